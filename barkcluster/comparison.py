"""Scorers side by side on one session: their figures, how long they take, how far they agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from barkcluster._familiarity import STRANGE
from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive
from barkcluster.display.terminal import Style, table
from barkcluster.frames.session import Frames, Session, check_frames, check_rate
from barkcluster.model.model import DEFAULT_SCALES, FamiliarityModel
from barkcluster.model.timeline import Timeline
from barkcluster.scorers import SCORERS, FamiliarityScorer
from barkcluster.synthetic.jam import Annotations
from barkcluster.windows.layout import check_scales

if TYPE_CHECKING:
    import pandas

_LEARNED_SHARE = 0.4
# A short scale, which notices strange moments soon.
SHORT_S = 1.0


@dataclass(frozen=True)
class ScorerRow:
    """The figures of one scorer.

    Attributes
    ----------
    scorer : str
        Its name.
    mean : float
        Mean familiarity of the rest of the session, without its surprises where they are known;
        0.5 is expected.
    below_005, below_02 : float
        Share of the same moments below 0.05, and below 0.2; 5 % and 20 % are expected.
    auc : float
        How often a moment of an intrusion or surprise is less familiar than one of the rest of
        the session; 0.5 is chance, 1 perfect, nan where there are no intrusions or surprises.
    auc_short : float
        The same for windows of 1 s alone, which notice sooner; nan without that scale.
    fit_s : float
        Seconds that learning took.
    speed : float
        Seconds of music that were scored in a second.
    agreement : float
        Mean rank correlation of its familiarity with that of the other scorers, moment by moment;
        nan without others.
    """

    scorer: str
    mean: float
    below_005: float
    below_02: float
    auc: float
    auc_short: float
    fit_s: float
    speed: float
    agreement: float


class ScorerComparison(Sequence[ScorerRow]):
    """The result of `compare_scorers`: a row for each scorer.

    ``print`` shows a table; `to_frame` and ``pandas.DataFrame(comparison)`` make a DataFrame.

    Attributes
    ----------
    rows : list of ScorerRow
    models : dict of str to FamiliarityModel
        The fitted model of each scorer.
    timelines : dict of str to Timeline
        Familiarity of the rest of the session by each scorer, by the session's clock.
    agreement : ndarray of shape (n_scorers, n_scorers)
        Spearman's rank correlation of each two scorers; nan where one gives every moment the same
        familiarity.
    auc_of_intrusions : dict of str to list of float
        AUC of each scorer against each intrusion.
    """

    def __init__(self, rows: list[ScorerRow], models: dict[str, FamiliarityModel],
                 timelines: dict[str, Timeline], agreement: FloatArray,
                 auc_of_intrusions: dict[str, list[float]]) -> None:
        self.rows = rows
        self.models = models
        self.timelines = timelines
        self.agreement = agreement
        self.auc_of_intrusions = auc_of_intrusions

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, i: int) -> ScorerRow: ...

    @overload
    def __getitem__(self, i: slice) -> list[ScorerRow]: ...

    def __getitem__(self, i: int | slice) -> ScorerRow | list[ScorerRow]:
        return self.rows[i]

    def __str__(self) -> str:
        return self.table(Style(color=False, blocks=False))

    def table(self, style: Style) -> str:
        """The rows as lines of text, without columns that are nan in all rows.

        Parameters
        ----------
        style : Style
            What the terminal can show.

        Returns
        -------
        text : str
        """
        header = ["scorer", "mean", f"< {STRANGE:g}", "< 0.2", "AUC", f"AUC {SHORT_S:g} s", "fit",
                  "real time", "agreement"]
        lines = [[row.scorer, figure(row.mean, 2), f"{figure(100 * row.below_005, 1)} %",
                  f"{figure(100 * row.below_02, 1)} %", figure(row.auc, 3),
                  figure(row.auc_short, 3), f"{row.fit_s:.2f} s", f"{row.speed:,.0f} x",
                  figure(row.agreement, 2)] for row in self.rows]
        known = [i for i in range(len(header)) if any(line[i] != "-" for line in lines)]
        return table([header[i] for i in known], [[line[i] for i in known] for line in lines],
                     style)

    def to_frame(self) -> pandas.DataFrame:
        """The rows as a DataFrame, a column for each attribute of `ScorerRow`.

        Raises
        ------
        ImportError
            Without pandas.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error
        return pandas.DataFrame(self.rows).set_index("scorer")


@dataclass(frozen=True, eq=False)
class _Run:
    """One scorer: its model, its timelines and how fast it was."""

    model: FamiliarityModel
    timeline: Timeline
    intrusions: list[Timeline]
    fit_s: float
    speed: float


def compare_scorers(
    session: Session, scorers: Sequence[str] | Mapping[str, FamiliarityScorer] | None = None, *,
    intrusions: Sequence[Frames] = (), surprises: Annotations | None = None,
    train: float | None = None, scales: tuple[float, ...] = DEFAULT_SCALES,
    random_state: int | None = 0, on_step: Callable[[str], None] | None = None,
) -> ScorerComparison:
    """Compare scorers: each learns the beginning of a session and scores the rest.

    Parameters
    ----------
    session : Session
    scorers : sequence of str or dict of str to FamiliarityScorer, optional
        Names of `SCORERS`, all of them by default; or scorers of your own, by names for them.
    intrusions : sequence of array-like of shape (n_frames, 25) or Session
        Sounds that are not of this session.
    surprises : Annotations, optional
        When something intrudes in the session itself, as `synthetic.make_session` returns it.
    train : float, optional
        Seconds to learn; 40 % of the session by default.
    scales : tuple of float
        Window lengths in seconds.
    random_state : int or None, default=0
        Seed of the scorers that draw at random.
    on_step : callable, optional
        Called with a line of text before each scorer learns.

    Returns
    -------
    comparison : ScorerComparison
        A row for each scorer, in the order given.

    Raises
    ------
    ValueError
        If the beginning is too short to learn, or the rest or an intrusion too short to score.

    Examples
    --------
    >>> from barkcluster.synthetic import make_session
    >>> jam, known = make_session(minutes=1, random_state=1)
    >>> rows = compare_scorers(jam, ["knn", "kmeans"], surprises=known, train=known.clean_stop,
    ...                        scales=(0.5, 1.0, 2.0))
    >>> [row.scorer for row in rows], rows[0].auc > 0.7, rows[0].agreement > 0.5
    (['knn', 'kmeans'], True, True)
    """
    heard_s = (session.elapsed(_LEARNED_SHARE * session.duration) if train is None
               else check_positive("train", train))
    if not heard_s < session.span:
        raise ValueError(f"train must leave something to score: the session lasts "
                         f"{session.span:g} s; got {heard_s:g} s.")
    heard = session.between(0, heard_s, keep_clock=True)
    rest = session.between(heard_s, np.inf, keep_clock=True)
    _check_lengths(rest, intrusions, check_scales(scales)[0])
    given = list(SCORERS) if scorers is None else scorers
    named: dict[str, str | FamiliarityScorer] = (
        dict(given) if isinstance(given, Mapping) else {name: name for name in given})
    runs: dict[str, _Run] = {}
    for name, scorer in named.items():
        if on_step is not None:
            on_step(f"learning with {name}")
        model = FamiliarityModel(scorer, scales=scales, random_state=random_state)
        start = time.perf_counter()
        model.fit(heard)
        fitted = time.perf_counter()
        timeline = model.timeline(rest)
        scored = time.perf_counter()
        runs[name] = _Run(model, timeline, [model.timeline(other) for other in intrusions],
                          fitted - start, rest.duration / (scored - fitted))
    agreement = rank_agreement([run.timeline for run in runs.values()])
    rows = [_row(name, run, surprises, _mean_of_others(agreement, i))
            for i, (name, run) in enumerate(runs.items())]
    return ScorerComparison(
        rows, {name: run.model for name, run in runs.items()},
        {name: run.timeline for name, run in runs.items()}, agreement,
        {name: [auc(_warm(other), _warm(run.timeline)) for other in run.intrusions]
         for name, run in runs.items()})


def _check_lengths(rest: Session, intrusions: Sequence[Frames], shortest_s: float) -> None:
    """Raise ValueError, before anything is learned, for what is too short to be scored."""
    if _longest_s(rest) < shortest_s:
        raise ValueError(f"train must leave a window of the shortest scale, {shortest_s:g} s, to "
                         f"score; got {_longest_s(rest):g} s.")
    for i, other in enumerate(intrusions):
        given = f"intrusions[{i}]"
        if isinstance(other, Session):
            given += f" ({other.name})" if other.name else ""
            check_rate(given, other.frame_rate, rest.frame_rate, "as the session")
        frames = check_frames(other, rest.n_bands, name=given)
        longest = _longest_s(other if isinstance(other, Session) else Session(
            frames, rest.frame_rate, n_bands=rest.n_bands))
        if longest < shortest_s:
            raise ValueError(f"{given} must cover a window of the shortest scale, {shortest_s:g} "
                             f"s; got {longest:g} s.")


def _longest_s(session: Session) -> float:
    return max((take.duration for take in session.takes), default=0.0)


def auc(strange: FloatArray, usual: FloatArray) -> float:
    """Chance that a strange moment's familiarity is below a usual one's; ties count half.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4]), np.array([0.3, 0.9]))
    0.75
    """
    if not len(strange) or not len(usual):
        return float("nan")
    return float(roc_auc_score(np.repeat([0, 1], [len(strange), len(usual)]),
                               np.concatenate([strange, usual])))


def rank_agreement(timelines: Sequence[Timeline]) -> FloatArray:
    """Spearman's rank correlation between each two timelines, moment by moment.

    Parameters
    ----------
    timelines : sequence of Timeline
        Of the same frames.

    Returns
    -------
    agreement : ndarray of shape (n, n)
        nan where a timeline has the same familiarity everywhere.
    """
    values = [timeline.familiarity for timeline in timelines]
    agreement = np.eye(len(values))
    for i, one in enumerate(values):
        for j, other in enumerate(values[:i]):
            constant = np.ptp(one) == 0 or np.ptp(other) == 0
            agreement[i, j] = agreement[j, i] = (
                np.nan if constant else spearmanr(one, other).statistic)
    return agreement


def figure(value: float, digits: int) -> str:
    """A number for a table, or a dash for nan."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def _row(name: str, run: _Run, surprises: Annotations | None, agreement: float) -> ScorerRow:
    timeline = run.timeline
    calm = np.ones(len(timeline.times), dtype=bool)
    if surprises is not None:
        calm = ~surprises.surprise_mask(timeline.times, float(timeline.scales[-1]))
    usual = timeline.familiarity[calm]
    short = _short_terms(run, surprises)
    return ScorerRow(
        name, float(np.mean(usual)) if len(usual) else np.nan,
        float(np.mean(usual < STRANGE)) if len(usual) else np.nan,
        float(np.mean(usual < 0.2)) if len(usual) else np.nan,
        auc(*_terms(run, surprises, usual)), np.nan if short is None else auc(*short),
        run.fit_s, run.speed, agreement)


def _terms(run: _Run, surprises: Annotations | None, calm: FloatArray
           ) -> tuple[FloatArray, FloatArray]:
    """Familiarity of strange moments and of usual ones, all scales together."""
    if surprises is not None:
        here = run.timeline.familiarity[surprises.surprise_mask(run.timeline.times)]
        return np.concatenate([here, *map(_warm, run.intrusions)]), calm
    return np.concatenate([np.empty(0), *map(_warm, run.intrusions)]), _warm(run.timeline)


def _short_terms(run: _Run, surprises: Annotations | None
                 ) -> tuple[FloatArray, FloatArray] | None:
    """Familiarity of both in windows of `SHORT_S` alone; None without that scale."""
    columns = np.flatnonzero(run.timeline.scales == SHORT_S)
    if not len(columns):
        return None
    column = int(columns[0])

    def of(timeline: Timeline, chosen: npt.NDArray[np.bool_] | slice = slice(None)) -> FloatArray:
        values: FloatArray = timeline.by_scale[chosen, column]
        return values[np.isfinite(values)]

    others = [of(timeline) for timeline in run.intrusions]
    if surprises is None:
        return np.concatenate([np.empty(0), *others]), of(run.timeline)
    times = run.timeline.times
    here = surprises.surprise_mask(times, SHORT_S, least_share=0.5)
    return (np.concatenate([of(run.timeline, here), *others]),
            of(run.timeline, ~surprises.surprise_mask(times, SHORT_S)))


def _warm(timeline: Timeline) -> FloatArray:
    """Familiarity from when all scales are full, or all of it if they never are."""
    full = ~np.isnan(timeline.by_scale).any(axis=1)
    return timeline.familiarity[full] if full.any() else timeline.familiarity


def _mean_of_others(agreement: FloatArray, i: int) -> float:
    others = np.delete(agreement[i], i)
    return float(np.mean(others)) if len(others) else np.nan
