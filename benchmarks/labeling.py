"""The type of systems that learn labeled recordings and say how far others are from each label."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .corpora import Frames

Distances = npt.NDArray[np.float64]     # of shape (n_recordings, n_labels)
Labels = npt.NDArray[np.intp]
# The distances, and how many seconds learning took.
System = Callable[[Sequence[Frames], Labels, Sequence[Frames]], tuple[Distances, float]]
