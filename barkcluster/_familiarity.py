"""What is said of a familiarity everywhere: below which it is strange, and in how many digits."""

from __future__ import annotations

import math

# Familiarity below which a moment is called strange: more of the same is so 5 % of the time.
STRANGE = 0.05


def shown_familiarity(familiarity: float, unknown: str = "-") -> str:
    """Two digits, or one that counts where it is strange: rare and very rare stay apart.

    Parameters
    ----------
    familiarity : float
        0 to 1, nan where it is not known.
    unknown : str, default="-"
        What to show then.

    Examples
    --------
    >>> [shown_familiarity(value) for value in (0.5, 0.0123, 1e-7, float("nan"))]
    ['0.50', '0.01', '1e-07', '-']
    """
    if math.isnan(familiarity):
        return unknown
    return f"{familiarity:.2f}" if familiarity >= STRANGE else f"{familiarity:.1g}"
