"""Checks of the rows that `fit` learns in the place of those that were played."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_array

from barkcluster._typing import FloatArray


def check_augmented(
    rows: FloatArray, augmented: npt.ArrayLike | None, augmented_rows: npt.ArrayLike | None,
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """What is learned, and the row of ``X`` that each of it is a form of.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        ``X``, checked.
    augmented, augmented_rows : array-like or None
        As given to `FamiliarityScorer.fit`.

    Returns
    -------
    learned : ndarray of shape (n_learned, n_features)
        The rows themselves where none are augmented.
    sources : ndarray of shape (n_learned,)

    Raises
    ------
    ValueError
        If one is given without the other, or they do not fit ``X`` or each other.
    """
    if augmented is None or augmented_rows is None:
        if augmented is not None or augmented_rows is not None:
            raise ValueError("augmented and augmented_rows must be given together.")
        return rows, np.arange(len(rows))
    others = check_array(augmented, dtype=np.float64, ensure_min_samples=0)
    sources = np.asarray(augmented_rows)
    if others.shape[1] != rows.shape[1]:
        raise ValueError(f"augmented must have the {rows.shape[1]} features of X; "
                         f"got {others.shape[1]}.")
    if (sources.shape != (len(others),) or sources.dtype.kind not in "iu"
            or (len(sources) and not 0 <= sources.min() <= sources.max() < len(rows))):
        raise ValueError("augmented_rows must name a row of X for each augmented one: "
                         f"{len(others)} integers from 0 to {len(rows) - 1}.")
    return (others, sources.astype(np.intp)) if len(others) else (rows, np.arange(len(rows)))


def check_offsets(n_learned: int, augmented: npt.ArrayLike | None,
                  augmented_offsets: npt.ArrayLike | None) -> FloatArray:
    """How far each row that is learned is from what was played; 0 where nothing is said.

    Parameters
    ----------
    n_learned : int
        Rows that are learned.
    augmented, augmented_offsets : array-like or None
        As given to `FamiliarityScorer.fit`.

    Returns
    -------
    offsets : ndarray of shape (n_learned,)

    Raises
    ------
    ValueError
        If there is not one finite offset for each augmented row.
    """
    if augmented_offsets is None:
        return np.zeros(n_learned)
    offsets = np.asarray(augmented_offsets, dtype=np.float64)
    n_augmented = 0 if augmented is None else len(np.asarray(augmented))
    if offsets.shape != (n_augmented,) or not np.isfinite(offsets).all():
        raise ValueError("augmented_offsets must hold a finite number for each of the "
                         f"{n_augmented} augmented rows; got shape {offsets.shape}.")
    return offsets if n_augmented else np.zeros(n_learned)
