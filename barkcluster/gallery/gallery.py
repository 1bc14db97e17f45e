"""Many sessions by name: which one is a query like, is it any of them, which are alike?

Each name has a model of its own, so that names come and go without the others being learned again.
A query is compared with a small sketch of every name first; the full models judge the best
candidates. Their answers, mean strangeness over the query, are calibrated on pieces of the
gallery's own sessions that were held out from their models: one in twenty such pieces has a
familiarity below 0.05.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Self

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from barkcluster._threads import OneThread
from barkcluster._typing import Float32Array, FloatArray
from barkcluster._validation import check_choice, check_fraction, check_positive_int
from barkcluster.calibration.calibration import Calibration
from barkcluster.frames.session import Session, check_rate, common_rate
from barkcluster.frames.text import read_session
from barkcluster.model.model import FamiliarityModel
from barkcluster.windows.features import WindowFeatures

from .candidates import CandidateSearch
from .comparison import NEWEST, Record, SessionComparison
from .entry import Entry, Windows, strangeness, windows_of
from .folder import GalleryFolder
from .index import GalleryIndex, check_names
from .learning import Learner
from .naming import NamingMixin
from .sources import Source, Sources, by_name, take_of, takes_by_name
from .store import ModelStore
from .summary import summarize

DEFAULT_SCALES = (1.0, 3.0, 10.0)
DEFAULT_HOP = 0.5

# Pieces whose summaries are kept to calibrate with; about 4 kB each.
_MOST_PIECES = 1000


class SessionGallery(NamingMixin, ClassifierMixin, BaseEstimator):
    """Learns sessions by name, then says which of them another one is like.

    Parameters
    ----------
    model : FamiliarityModel, optional
        Not fitted; a clone of it learns each name. By default one with windows of 1, 3 and 10 s
        every 0.5 s, which are enough to tell sessions apart.
    n_candidates : int, default=20
        Names that the full models judge for a query. If there are more, sketches choose them.
    false_alarm_rate : float, default=0.05
        Share of the pieces of known sessions that `identify` takes for none of them.
    n_pieces : int, default=4
        Pieces of each name's sessions that are held out in turn for the calibration: whole takes
        where a name has several, else stretches of time.
    folder : path-like, optional
        Where the models are kept, in files; it is made if it is not there. By default they are
        kept in memory, about 5 MB a name.
    reader : callable, default=read_session
        Makes a Session of a path. Other processes must be able to import it.
    n_jobs : int or None, default=None
        Workers, as in joblib, whose backend can be chosen:
        ``with joblib.parallel_config(backend="dask"): ...``.
    on_error : {"raise", "skip"}, default="raise"
        Whether sessions that cannot be read, are too short, or have another frame rate than most
        are an error, or are left out; then ``skipped_`` says why.

    Attributes
    ----------
    names_ : list of str
        In the order they were added.
    skipped_ : dict of str to str
        By path or name, why the last `fit` or `add` left it out.
    prototypes_ : ndarray of shape (n_names, 16, 64), float32
        The sketch of each name.
    records_ : dict of str to Record
        What whole sessions of each name are compared by.
    comparison_ : SessionComparison
        The metric that is learned where names have several sessions.
    held_out_ : dict of str to ndarray
        Strangeness of each name's held-out pieces.
    calibration_ : Calibration
        Calibration of all held-out pieces together.
    search_ : CandidateSearch
        Finds the names that the full models judge.
    store_ : ModelStore
        The models, in memory or in the folder.
    frame_rate_ : float
        Frames per second of all sessions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> played = {name: rng.normal(-40, 6, size=25) + rng.normal(0, 4, size=(3000, 25))
    ...           for name in ("monday", "tuesday")}
    >>> gallery = SessionGallery(FamiliarityModel(scales=(0.5, 1.0)))
    >>> gallery = gallery.fit({name: frames[:2000] for name, frames in played.items()})
    >>> gallery.rank(played["monday"][2000:])[0][0]
    'monday'
    >>> print(gallery.identify(played["monday"][2000:] + 20.0))
    None
    """

    names_: list[str]
    comparison_: SessionComparison
    frame_rate_: float
    skipped_: dict[str, str]
    _features: WindowFeatures    # of a query: those of the name with the most scales
    records_: dict[str, Record]
    store_: ModelStore
    search_: CandidateSearch

    def __init__(
        self,
        model: FamiliarityModel | None = None,
        *,
        n_candidates: int = 20,
        false_alarm_rate: float = 0.05,
        n_pieces: int = 4,
        folder: str | os.PathLike[str] | None = None,
        reader: Callable[[str | os.PathLike[str]], Session] = read_session,
        n_jobs: int | None = None,
        on_error: str = "raise",
    ) -> None:
        self.model = model
        self.n_candidates = n_candidates
        self.false_alarm_rate = false_alarm_rate
        self.n_pieces = n_pieces
        self.folder = folder
        self.reader = reader
        self.n_jobs = n_jobs
        self.on_error = on_error

    @property
    def prototypes_(self) -> Float32Array:
        """Sketch of each name."""
        return self.search_.prototypes

    @property
    def held_out_(self) -> dict[str, FloatArray]:
        """Strangeness of each name's held-out pieces."""
        return self.comparison_.held_out_

    @property
    def calibration_(self) -> Calibration:
        """Calibration of all held-out pieces together."""
        return self.comparison_.calibration_

    def fit(self, sessions: Mapping[str, Sources] | Sequence[Source],
            y: Sequence[str] | None = None) -> Self:
        """Learn sessions by name.

        Parameters
        ----------
        sessions : dict of str to session or list of them
            A session is an array of shape (n_frames, 25), a `Session`, or a path; workers are
            sent the path alone and read it themselves. A list of sessions is separate takes of
            one name. In the place of the dict there may be a list of sessions with ``y``, as
            `sklearn.model_selection` hands them on.
        y : sequence of str, optional
            The name of each session of a list.

        Returns
        -------
        self : SessionGallery

        Raises
        ------
        ValueError
            If there are none, or one is too short; then the gallery stays as it was.
        OSError
            If a file cannot be read or written; likewise.
        """
        if y is not None or not isinstance(sessions, Mapping):
            sessions = by_name(sessions, y)
        if not sessions:
            raise ValueError("sessions must name at least one session; got none.")
        files = None if self.folder is None else GalleryFolder(self.folder)
        return self._learn(sessions, [], [] if files is None else files.files())

    def add(self, sessions: Mapping[str, Sources]) -> Self:
        """Learn more names; the others stay as they are. A name that is known is replaced.

        Parameters
        ----------
        sessions : dict of str to session or list of them
            As in `fit`.

        Returns
        -------
        self : SessionGallery

        Raises
        ------
        ValueError
            As in `fit`; or if another program has changed the gallery in the folder.
        """
        check_is_fitted(self)
        kept = [name for name in self.names_ if name not in sessions]
        return self._learn(sessions, kept, self.store_.files_of(sessions))

    def remove(self, *names: str) -> Self:
        """Forget names.

        Parameters
        ----------
        *names : str

        Returns
        -------
        self : SessionGallery

        Raises
        ------
        KeyError
            If one is not known; then nothing is forgotten.
        ValueError
            If none would be left, or another program has changed the gallery in the folder.
        """
        check_is_fitted(self)
        for name in names:
            if name not in self.names_:
                raise KeyError(name)
        kept = [name for name in self.names_ if name not in names]
        if not kept:
            raise ValueError("names must leave at least one in the gallery.")
        return self._learn({}, kept, self.store_.files_of(names))

    def rank(self, session: Source) -> list[tuple[str, float]]:
        """The names that a session is most like, and its familiarity to each.

        Parameters
        ----------
        session : array-like of shape (n_frames, 25), Session or path

        Returns
        -------
        ranking : list of (name, familiarity)
            The most alike first; at most ``n_candidates``. Familiarity is the share of held-out
            pieces of the gallery's own sessions that are at least as strange to their name.

        Raises
        ------
        ValueError
            If the session is shorter than the shortest window, or of another frame rate or number
            of bands than those of the gallery.
        """
        check_is_fitted(self)
        take = self._taken(session)
        windows = windows_of(self._features, take)
        apart = self.comparison_.log_distances(summarize(take))
        rows = self.search_.find(take, apart, self.comparison_, self.n_candidates)
        together = self.comparison_.combine(self._judged(rows, windows), apart[rows])
        order = np.argsort(together, kind="stable")
        familiarity = self.calibration_.familiarity(together[order])
        return [(self.names_[rows[i]], float(f))
                for i, f in zip(order, familiarity, strict=True)]

    def judge(self, session: Source) -> tuple[FloatArray, Float32Array]:
        """Strangeness and summary of a session, for `SessionComparison.judge`.

        All names are asked, not candidates alone.

        Parameters
        ----------
        session : array-like of shape (n_frames, 25), Session or path

        Returns
        -------
        strangeness : ndarray of shape (n_names,)
            How strange it is to the full model of each name.
        summary : ndarray of shape (n_numbers,)
            The session as a whole, by `summarize`.
        """
        check_is_fitted(self)
        take = self._taken(session)
        windows = windows_of(self._features, take)
        return self._judged(np.arange(len(self.names_)), windows), summarize(take)

    def _judged(self, rows: npt.NDArray[np.intp], windows: list[Windows]) -> FloatArray:
        with OneThread():
            judged: list[float] = Parallel(n_jobs=self.n_jobs, prefer="threads")(
                delayed(strangeness)(self.model_of(self.names_[i]), windows) for i in rows)
        return np.array(judged)

    def _taken(self, session: Source) -> Session:
        take = take_of(session, self._template().frame_rate, self.reader, self._features.n_bands)
        if take.n_bands != self._features.n_bands:
            raise ValueError(f"session must have {self._features.n_bands} bands, as those of the "
                             f"gallery; got {take.n_bands}.")
        check_rate("session", take.frame_rate, self.frame_rate_, "as those of the gallery")
        return take

    def similarity_matrix(self) -> FloatArray:
        """Familiarity of each name's sessions to each name's model.

        Returns
        -------
        similarity : ndarray of shape (n_names, n_names)
            Row ``i``, column ``j``: familiarity of windows of ``names_[i]`` to the model of
            ``names_[j]``; on the diagonal the median of the held-out pieces, nan where there are
            none. The full models judge all pairs, so this takes n times as long as a query.
        """
        check_is_fitted(self)
        samples = [self.store_.sample(name) for name in self.names_]
        with OneThread():
            columns: list[list[float]] = Parallel(n_jobs=self.n_jobs, prefer="threads")(
                delayed(_column)(self.model_of(name), samples) for name in self.names_)
        rows = [self.records_[name].takes for name in self.names_]
        together = [self.comparison_.combine(said, self.comparison_.log_distances(
            takes.mean(axis=0) if len(takes) else ()))
            for said, takes in zip(np.array(columns).T, rows, strict=True)]
        matrix = self.calibration_.familiarity(np.array(together).ravel()).reshape(
            len(columns), -1)
        for i, name in enumerate(self.names_):
            own = self.held_out_[name]
            matrix[i, i] = self.calibration_.familiarity([np.median(own)])[0] if len(own) else (
                np.nan)
        return matrix

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the gallery to a folder for `load_gallery`: numbers and text alone, no pickle.

        Parameters
        ----------
        folder : path-like
            It is made if it is not there. A gallery in it is replaced; other files stay.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If there are more than 100,000 names, or a scorer is of a class of your own.
        OSError
            If it cannot be written; a gallery that was there stays as it was.
        """
        check_is_fitted(self)
        check_names(self.names_)
        target = GalleryFolder(folder, make=True)
        if self.store_.files is not None and target.path.samefile(self.store_.files.path):
            # Its models are there: others in their place would be missed by this gallery.
            target.write_index(self._index(self.store_.files_of(self.names_)))
            return
        stale, names = target.files(), [target.new_name() for _ in self.names_]
        with target.removed_on_error(names):
            for name, file in zip(self.names_, names, strict=True):
                target.write_entry(self.store_.model(name), self.store_.sample(name), file)
            target.write_index(self._index(names))
        target.delete(stale)

    def _learn(self, sessions: Mapping[str, Sources], kept: list[str], stale: list[str]) -> Self:
        """Become a gallery of some of the old names and these new ones.

        Nothing changes, in memory or in the folder, until all of it is learned and written.
        """
        self._check_parameters([*kept, *sessions])
        if kept and (self.folder is None) != isinstance(self.store_.kept[kept[0]], tuple):
            raise ValueError("folder must stay as it was when the gallery was fitted.")
        files = None if self.folder is None else GalleryFolder(self.folder, make=True)
        known = self.store_.files_of(self.names_) if kept else []
        if files is not None and kept:
            files.check_known(known)
        learner = Learner(self._template(), self.reader, self.n_pieces, files, self.n_jobs,
                          self.on_error)
        with nullcontext() if files is None else files.removed_on_error(learner.files):
            entries, skipped = learner.learn(
                takes_by_name(sessions),
                (self.frame_rate_, self._features.n_bands) if kept else None)
            models = {**{name: self.store_.kept[name] for name in kept},
                      **{name: entry.kept for name, entry in entries.items()}}
            index = self._joined(kept, entries, [m for m in models.values() if isinstance(m, str)])
            comparison = SessionComparison().fit(dict(zip(index.names, index.records,
                                                          strict=True)))
            if files is not None:
                if kept:
                    files.check_known(known)
                files.write_index(index)
        self.skipped_ = skipped
        self._become(index, comparison, ModelStore(models, index.features, files))
        if files is not None:
            files.delete(stale)
        return self

    def _check_parameters(self, names: Sequence[str]) -> None:
        check_positive_int("n_candidates", self.n_candidates)
        check_positive_int("n_pieces", self.n_pieces)
        check_fraction("false_alarm_rate", self.false_alarm_rate)
        check_names(names)
        check_choice("on_error", self.on_error, ("raise", "skip"))

    def _joined(self, kept: list[str], entries: Mapping[str, Entry],
                files: list[str]) -> GalleryIndex:
        """What is known of some of the old names and of new entries, if they go together."""
        features = [*([self._features] if kept else []),
                    *(entry.features for entry in entries.values())]
        common_rate("sessions", (one.frame_rate for one in features))
        bands = sorted({one.n_bands for one in features})
        if len(bands) > 1:
            raise ValueError("sessions must have one number of bands; got "
                             + ", ".join(map(str, bands)) + ".")
        if len({one.definition for one in features}) > 1:
            raise ValueError("sessions cannot be added to a gallery of an older version, whose "
                             "windows are described by other numbers. Fit all of them anew.")
        records = {**{name: self.records_[name] for name in kept},
                   **{name: entry.record for name, entry in entries.items()}}
        if not any(len(record.held_out) for record in records.values()):
            shortest = self._template().scales[0]
            raise ValueError(
                "sessions must be long enough to hold out pieces of them, about "
                f"{4 * shortest * self.n_pieces:g} s each; got shorter ones alone.")
        _limit(records)
        rows = {name: i for i, name in enumerate(self.names_)} if kept else {}
        prototypes = np.stack([*(self.prototypes_[rows[name]] for name in kept),
                               *(entry.prototypes for entry in entries.values())])
        return GalleryIndex(list(records), files, prototypes, list(records.values()),
                            max(features, key=lambda one: len(one.scales)), self.n_candidates,
                            self.n_pieces, self.false_alarm_rate, NEWEST)

    def _become(self, index: GalleryIndex, comparison: SessionComparison,
                store: ModelStore) -> None:
        self.names_, self.frame_rate_ = index.names, index.features.frame_rate
        self.records_ = dict(zip(index.names, index.records, strict=True))
        self._features, self.search_ = index.features, CandidateSearch(index.prototypes)
        self.comparison_, self.store_ = comparison, store

    def restore(self, index: GalleryIndex, files: GalleryFolder) -> Self:
        """Become the gallery that an index describes; `load_gallery` reads one.

        Parameters
        ----------
        index : GalleryIndex
        files : GalleryFolder
            Where its models are.

        Returns
        -------
        self : SessionGallery
        """
        comparison = SessionComparison(index.comparison).fit(
            dict(zip(index.names, index.records, strict=True)))
        models = dict(zip(index.names, index.files, strict=True))
        self._become(index, comparison, ModelStore(models, index.features, files))
        return self

    def _index(self, files: list[str]) -> GalleryIndex:
        """What is known of all names, for a folder where their files are called so."""
        return GalleryIndex(
            self.names_, files, self.prototypes_, list(self.records_.values()), self._features,
            self.n_candidates, self.n_pieces, self.false_alarm_rate, self.comparison_.definition)

    def _template(self) -> FamiliarityModel:
        """The model, not fitted, that each name's is a clone of."""
        if self.model is None:
            return FamiliarityModel(scales=DEFAULT_SCALES, hop=DEFAULT_HOP, random_state=0)
        if not isinstance(self.model, FamiliarityModel):
            raise ValueError(f"model must be a FamiliarityModel; got {self.model!r}.")
        return clone(self.model)

    def model_of(self, name: str) -> FamiliarityModel:
        """The model of a name, from memory or its file.

        Parameters
        ----------
        name : str

        Returns
        -------
        model : FamiliarityModel
        """
        return self.store_.model(name)


def _limit(records: Mapping[str, Record]) -> None:
    """Drop the summaries of pieces once there are enough to calibrate with."""
    left = _MOST_PIECES
    for record in records.values():
        record.pieces = record.pieces[:max(0, left)]
        left -= len(record.pieces)


def _column(model: FamiliarityModel, samples: list[Windows]) -> list[float]:
    return [strangeness(model, [sample]) for sample in samples]
