"""Pictures of many sessions: the confusion of an evaluation, and a map of sessions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from barkcluster._typing import FloatArray
from barkcluster.frames.session import Session
from barkcluster.gallery.evaluation import NONE_OF_THEM, Evaluation
from barkcluster.gallery.gallery import SessionGallery
from barkcluster.gallery.sources import Source, take_of
from barkcluster.gallery.summary import summarize

from .picture import plain_text
from .plots import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_IN_LEGEND = 20


def plot_confusion(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    """Draw how many sessions of each name a gallery took for which name.

    Parameters
    ----------
    evaluation : Evaluation
        As `SessionGallery.evaluate` returns it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure where none is given.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> from barkcluster.gallery import Answer
    >>> said = Answer("take", "anna", "bert", "bert", 0.4, 0.2, 0.0, 3.0)
    >>> ax = plot_confusion(Evaluation(["anna", "bert"], [said], 0.05, {}))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['anna', 'bert', 'none of them']
    """
    names = [plain_text(name) for name in evaluation.names]
    # Inches: a square for each name, and the labels beside and, aslant, below them.
    size = 2.5 + 0.5 * len(names) + 0.06 * max(map(len, names))
    ax = axes_or_new(ax, (size + 0.5, size + 0.5))
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = np.vstack([evaluation.confusion, np.zeros(len(names) + 1, np.int64)])
    drawn = ConfusionMatrixDisplay(counts, display_labels=[*names, NONE_OF_THEM]).plot(
        ax=ax, cmap="Blues", colorbar=False, xticks_rotation=45)
    # No session that was held out is of "none of them": that row goes, and its numbers, which
    # would stand among the labels.
    ax.set_ylim(len(names) - 0.5, -0.5)
    for text in drawn.text_[-1]:
        text.remove()
    # Each label ends at its column; of long ones centered there, one would run through the next.
    for label in ax.get_xticklabels():
        label.set(horizontalalignment="right", rotation_mode="anchor")
    ax.set_xlabel("said")
    ax.set_ylabel("is")
    ax.set_title(f"{evaluation.accuracy:.0%} nearest\nto their own name")
    return ax


def plot_sessions(gallery: SessionGallery, query: Source | Mapping[str, Source] | None = None,
                  *, ax: Axes | None = None) -> Axes:
    """Draw each session as a point in the color of its name, and queries among them.

    Parameters
    ----------
    gallery : SessionGallery
        Fitted.
    query : array-like of shape (n_frames, 25), Session, path, or dict of str to these, optional
        A session to show as a star with its name, or several by what to call them.
    ax : matplotlib Axes, optional
        Where to draw; a new figure where none is given.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If the gallery was saved before there were summaries of sessions.
    """
    ax = axes_or_new(ax, (7, 6))
    for i, (name, places) in enumerate(places_of(gallery).items()):
        ax.scatter(places[:, 0], places[:, 1], s=36, color=f"C{i % 10}",
                   marker="os^Dv"[i // 10 % 5],
                   label=plain_text(name) if i < _MOST_IN_LEGEND else None)
    asked = query if isinstance(query, Mapping) else (
        {} if query is None else {_called(query): query})
    for called, place in places_of_queries(gallery, asked).items():
        ax.scatter(place[0], place[1], s=140, color="black", marker="*")
        ax.annotate(plain_text(called), (place[0], place[1]), xytext=(5, 5),
                    textcoords="offset points")
    learned = gallery.comparison_.n_more_ > 0 and len(gallery.names_) > 2
    for axis, which in ((ax.set_xlabel, 1), (ax.set_ylabel, 2)):
        axis(f"{'discriminant' if learned else 'principal component'} {which}")
    ax.legend(loc="best", fontsize="small")
    return ax


def places_of(gallery: SessionGallery) -> dict[str, FloatArray]:
    """Where each name's sessions lie on the map.

    Parameters
    ----------
    gallery : SessionGallery
        Fitted.

    Returns
    -------
    places : dict of str to ndarray of shape (n_takes, 2)
    """
    return {name: gallery.comparison_.places(record.takes)
            for name, record in gallery.records_.items()}


def places_of_queries(gallery: SessionGallery, queries: Mapping[str, Source],
                      ) -> dict[str, FloatArray]:
    """Where sessions that the gallery did not learn lie on the map.

    Parameters
    ----------
    gallery : SessionGallery
        Fitted.
    queries : dict of str to array-like of shape (n_frames, 25), Session or path
        By what to call them.

    Returns
    -------
    places : dict of str to ndarray of shape (2,)
    """
    return {called: gallery.comparison_.places([summarize(
        take_of(source, gallery.frame_rate_, gallery.reader))])[0]
            for called, source in queries.items()}


def _called(query: Source) -> str:
    if isinstance(query, (str, os.PathLike)):
        return PurePath(os.fsdecode(query)).stem
    return (query.name if isinstance(query, Session) else "") or "query"
