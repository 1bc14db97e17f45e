"""Scorers out of files: the one place that knows which there are."""

from __future__ import annotations

import os

from barkcluster.files.container import open_container

from . import SCORERS
from .base import FamiliarityScorer
from .stored import ScorerRecord


def load_scorer(path: str | os.PathLike[str]) -> FamiliarityScorer:
    """The single scorer in a file.

    Parameters
    ----------
    path : path-like
        A file written by `FamiliarityScorer.save`.

    Returns
    -------
    scorer : FamiliarityScorer
        Fitted, of the class it had. A class of your own must be in `SCORERS`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything else is wrong with the file; see `load_model`.

    Examples
    --------
    >>> import tempfile
    >>> from barkcluster import KNNDensityScorer
    >>> scorer = KNNDensityScorer(n_neighbors=1).fit([[0.0], [1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scorer.save(f"{folder}/scorer.npz")
    ...     load_scorer(f"{folder}/scorer.npz").novelty([[1.0], [4.0]])
    array([0., 3.])
    """
    with open_container(path, "scorer") as (fields, archive):
        record = ScorerRecord(fields, "scorer", {}, SCORERS)
        arrays = archive.read(record.specs)
        record.check(arrays)
        return record.build(arrays)
