"""The library's own models as systems of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from barkcluster import Background, FamiliarityModel

from .corpora import Frames
from .figures import Array
from .tasks import Columns


class Library:
    """``FamiliarityModel`` with one scorer; novelty is 1 - familiarity.

    Columns are the combination, then each scale as ``"0.5 s"``.

    Parameters
    ----------
    scorer : str
        A name in ``barkcluster.SCORERS``.
    scales : sequence of float or None
        Window lengths in seconds; None for those the model comes with.
    hop : float or None
        Seconds between answers; None for the model's.
    background : Background or None
        Other sessions that the model is to know.
    """

    def __init__(self, scorer: str, scales: Sequence[float] | None = None,
                 background: Background | None = None, hop: float | None = None) -> None:
        self.name = scorer if background is None else f"{scorer}+background"
        self.background = background
        self.calibrated: list[str] = []
        self.scorer = scorer
        self.scales = scales
        self.hop = hop

    def fit(self, takes: Sequence[Frames]) -> Library:
        model = FamiliarityModel(self.scorer, random_state=0, background=self.background)
        if self.scales is not None:
            model.set_params(scales=tuple(self.scales))
        if self.hop is not None:
            model.set_params(hop=self.hop)
        self._model = model.fit(list(takes))
        return self

    def novelty(self, frames: Frames) -> tuple[Array, Columns]:
        timeline = self._model.timeline(frames)
        columns = {"": 1.0 - timeline.familiarity}
        for j, scale in enumerate(timeline.scales):
            columns[f"{scale:g} s"] = 1.0 - timeline.by_scale[:, j]
        self.calibrated = list(columns)
        return timeline.times, columns
