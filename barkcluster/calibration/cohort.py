"""One threshold for every session: strangeness against that of music known to be something else.

Some sessions are told from other music by far, others hardly: what all other music is beyond in
one, no other music reaches in another. Once a model has heard a background of other sessions, the
strangeness of those strangers says which kind it is, and the strangeness of a moment is put in
relation to it (Z-norm in speaker verification: Auckenthaler, Carey, Lloyd-Thomas 2000, "Score
normalization for text-independent speaker verification systems").
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from barkcluster._familiarity import STRANGE
from barkcluster._typing import FloatArray

from .calibration import Calibration
from .table import SMALLEST, normal_score

# Where the strangers of every session are put, and how far apart (strangeness, as normal scores).
_TYPICAL = 2.4
_APART = 0.5
# Strangers that are all alike would make cliffs.
_NARROWEST = 0.25
# Nothing strange becomes less than a tenth as strange: what differs must go on to differ.
_LEAST_SLOPE = 0.1
_ALARM = float(-ndtri(STRANGE))


class CohortCalibration(Calibration):
    """A calibration that knows how strange strangers are to the session.

    It never calls anything stranger than the calibration did that it is made of, unless that
    called it stranger than 19 in 20 of the session already. What is more familiar than half of
    the session stays as it is.

    Attributes
    ----------
    typical_ : float
        Median strangeness of strangers.
    spread_ : float
        Half as wide as the band from 16 to 84 % of them, by their quartiles.

    Examples
    --------
    >>> of_session = Calibration.restore(np.linspace(0.0, 1.0, 101), 101.0)
    >>> far = CohortCalibration.of(of_session, typical=4.0, spread=0.5)
    >>> near = CohortCalibration.of(of_session, typical=1.7, spread=0.5)
    >>> np.round([c.familiarity([0.4, 0.98]) for c in (of_session, far, near)], 3).tolist()
    [[0.608, 0.039], [0.608, 0.43], [0.608, 0.039]]
    """

    typical_: float
    spread_: float

    @classmethod
    def of(cls, calibration: Calibration, typical: float, spread: float) -> Self:
        """A calibration, put in relation to strangers of this strangeness."""
        related = cls.restore(calibration.novelty_, calibration.n_effective_)
        related.typical_ = float(typical)
        related.spread_ = float(spread)
        return related

    def familiarity(self, novelty: npt.ArrayLike) -> FloatArray:
        """Share of unheard windows at least as strange as these, or more where strangers are far.

        Parameters
        ----------
        novelty : array-like of shape (n,)
            Novelty in the unit of the held-out ones.

        Returns
        -------
        familiarity : ndarray of shape (n,)
            From 0 to 1, decreasing in novelty.
        """
        alone = super().familiarity(novelty)
        strange = alone < 0.5
        if strange.any():  # a stream asks for one moment at a time, which mostly is not
            before = alone[strange]
            related = ndtr(-z_norm(normal_score(before), self.typical_, self.spread_))
            # Through the normal score and back, rounding may call it stranger.
            alone[strange] = np.maximum(related, np.where(before < STRANGE, SMALLEST, before))
        return alone


def z_norm(strangeness: FloatArray, typical: float, spread: float) -> FloatArray:
    """Strangeness on a scale on which the strangers of every session are alike.

    Parameters
    ----------
    strangeness : ndarray of shape (n,)
        Normal scores: 0 for a typical unheard moment of the session.
    typical, spread : float
        Median and spread of the strangeness of strangers.

    Returns
    -------
    related : ndarray of shape (n,)
        Increasing in strangeness and continuous; the same up to 0, nowhere more up to 1.64.

    Examples
    --------
    >>> z_norm(np.array([-1.0, 1.0, 3.0, 4.0, 5.0]), typical=4.0, spread=0.5).tolist()
    [-1.0, 0.1, 1.4, 2.4, 3.4]
    """
    slope = _APART / max(spread, _NARROWEST)
    # Beyond the typical stranger nothing is stretched: there is no end to strangeness.
    beyond = min(slope, 1.0)

    def put(z: FloatArray | float) -> FloatArray:
        apart = z - typical
        return np.asarray(
            _TYPICAL + np.minimum(apart, 0.0) * slope + np.maximum(apart, 0.0) * beyond)

    # Where strangers are near, all beyond the alarm is moved down to where the alarm stays.
    lead = max(float(put(_ALARM)) - _ALARM, 0.0)
    related = put(strangeness)
    related = np.where(strangeness < _ALARM, np.minimum(related, strangeness), related - lead)
    return np.where(strangeness <= 0.0, strangeness,
                    np.maximum(related, _LEAST_SLOPE * strangeness))
