"""Checks of the rows that `fit` learns, or judges, beside those that were played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_array

from barkcluster._typing import FloatArray


@dataclass(frozen=True, eq=False)
class Forms:
    """What is learned: rows as they were, or other forms of them.

    Attributes
    ----------
    rows : ndarray of shape (n_learned, n_features)
    sources : ndarray of shape (n_learned,)
        The row of the fit that each of them is a form of.
    offsets : ndarray of shape (n_learned,)
        How far each of them is from what was played.
    """

    rows: FloatArray
    sources: npt.NDArray[np.intp]
    offsets: FloatArray

    def of(self, kept: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Which of them are of these rows."""
        # As numpy.isin, which sorts both: a fit asks a hundred times.
        of_rows = np.zeros(1 + max(self.sources.max(initial=0), kept.max(initial=0)), dtype=bool)
        of_rows[kept] = True
        return np.asarray(of_rows[self.sources])

    def n_of(self, kept: npt.NDArray[np.intp]) -> int:
        """How many are of these rows; the rows themselves are learned where none is."""
        return int(np.count_nonzero(self.of(kept))) or len(kept)


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
    others, sources = _check_forms("augmented", "augmented_rows", rows, augmented, augmented_rows)
    return (others, sources) if len(others) else (rows, np.arange(len(rows)))


def check_echoes(
    rows: FloatArray, echoes: npt.ArrayLike | None, echoed_rows: npt.ArrayLike | None,
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Echoes, and the row of ``X`` that each of them is one of.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        ``X``, checked.
    echoes, echoed_rows : array-like or None
        As given to `FamiliarityScorer.fit`.

    Returns
    -------
    echoes : ndarray of shape (n_echoes, n_features)
        No rows where none are given.
    echoed_rows : ndarray of shape (n_echoes,)

    Raises
    ------
    ValueError
        As `check_augmented`, and if ``echoed_rows`` fall.
    """
    others, sources = _check_forms("echoes", "echoed_rows", rows, echoes, echoed_rows)
    if (np.diff(sources) < 0).any():
        fall = int(np.argmax(np.diff(sources) < 0))
        raise ValueError("echoed_rows must be in the order of time; got "
                         f"{sources[fall + 1]} after {sources[fall]}.")
    return others, sources


def _check_forms(
    name: str, name_of_rows: str, rows: FloatArray, forms: npt.ArrayLike | None,
    of_rows: npt.ArrayLike | None,
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Other forms of rows, and the row that each of them is a form of."""
    if forms is None or of_rows is None:
        if forms is not None or of_rows is not None:
            raise ValueError(f"{name} and {name_of_rows} must be given together.")
        return rows[:0], np.empty(0, np.intp)
    others = check_array(forms, dtype=np.float64, ensure_min_samples=0)
    sources = np.asarray(of_rows)
    if others.shape[1] != rows.shape[1]:
        raise ValueError(f"{name} must have the {rows.shape[1]} features of X; "
                         f"got {others.shape[1]}.")
    if (sources.shape != (len(others),) or sources.dtype.kind not in "iu"
            or (len(sources) and not 0 <= sources.min() <= sources.max() < len(rows))):
        raise ValueError(f"{name_of_rows} must name a row of X for each of {name}: "
                         f"{len(others)} integers from 0 to {len(rows) - 1}.")
    return others, sources.astype(np.intp)


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
