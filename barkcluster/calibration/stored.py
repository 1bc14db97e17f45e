"""A calibration in a file, and out of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from barkcluster.files.archive import Array, ArraySpec, Json, ModelFormatError
from barkcluster.files.header import Fields
from barkcluster.files.record import ArrayField, array_spec, pack_array

from .calibration import Calibration
from .cohort import CohortCalibration

# No familiarity is so small or so large that its normal score is beyond.
_MOST_STRANGE = 100.0
_NOVELTY = ArrayField("novelty_", ("n_calibration",))


def pack_calibration(calibration: Calibration, name: str, arrays: dict[str, Array]) -> Json:
    """The header entry of a calibration; its array goes into ``arrays``."""
    entry: dict[str, Json] = {
        "n_effective": float(calibration.n_effective_),
        "novelty": pack_array(calibration.novelty_, _NOVELTY, name, arrays)}
    if isinstance(calibration, CohortCalibration):
        entry["strangers"] = {"typical": calibration.typical_, "spread": calibration.spread_}
    return entry


class CalibrationRecord:
    """A calibration as a header tells of it, before its array is read.

    Parameters
    ----------
    fields : Fields
        Its header entry.
    name : str
        What its array is called.
    specs : dict of str to ArraySpec
        What its array must be like is added.
    """

    def __init__(self, fields: Fields, name: str, specs: dict[str, ArraySpec]) -> None:
        self._name = name
        specs[name] = array_spec(_NOVELTY, fields.take("novelty"), {}, name)
        n = specs[name].shape[0]
        self._n_effective = fields.number("n_effective", 1e-9, float(n) * (1.0 + 1e-9))
        self._strangers: tuple[float, float] | None = None
        if fields.has("strangers"):
            strangers = fields.fields("strangers")
            self._strangers = (strangers.number("typical", -_MOST_STRANGE, _MOST_STRANGE),
                               strangers.number("spread", 0.0, _MOST_STRANGE))
            strangers.nothing_else()
        fields.nothing_else()

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise unless the array is what a calibration holds."""
        novelty = arrays[self._name]
        if not np.all(novelty[1:] >= novelty[:-1]):
            raise ModelFormatError(f"{self._name}.npy must be in ascending order.")

    def build(self, arrays: Mapping[str, Array]) -> Calibration:
        """The calibration."""
        calibration = Calibration.restore(arrays[self._name], self._n_effective)
        if self._strangers is None:
            return calibration
        return CohortCalibration.of(calibration, *self._strangers)
