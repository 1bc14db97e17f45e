"""What a report says of a session: familiarity, strange moments, motifs, a map and the tempo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from barkcluster._clock import clock
from barkcluster._familiarity import STRANGE, shown_familiarity
from barkcluster._validation import check_fraction
from barkcluster.display.islands import IslandMap, island_map
from barkcluster.display.moments import strange_moments
from barkcluster.frames.session import Session
from barkcluster.model.explanation import band_words
from barkcluster.model.model import FamiliarityModel
from barkcluster.model.timeline import Timeline
from barkcluster.motifs.search import Motif, find_motifs
from barkcluster.scorers import SOMScorer
from barkcluster.tempo import Tempo, estimate_tempo
from barkcluster.windows.features import WindowFeatures

_MOST_MOMENTS = 8
_MOST_MOTIFS = 8
_MAP_SCALE_S = 3.0
_MAP_WINDOWS = 600
_TEMPO_STRETCHES = 12
_TEMPO_STRETCH_S = 20.0
_SHORTEST_TEMPO_S = 5.0
_SHORTEST_MOTIFS_S = 10.0


@dataclass(frozen=True)
class Moment:
    """A moment that was strange.

    Attributes
    ----------
    start, stop : float
        Seconds at which the strangest window begins and ends.
    familiarity : float
        0 to 1, all scales together.
    because : str
        In words: which window length is strangest, which bands are louder or softer, and what was
        learned that is most like it.
    """

    start: float
    stop: float
    familiarity: float
    because: str


@dataclass(frozen=True, eq=False)
class SessionReport:
    """All that `barkcluster.display.report.page.write_report` shows of one session.

    Attributes
    ----------
    session : Session
    timeline : Timeline
        Familiarity of what was judged, by the session's clock.
    learned_s : float
        Seconds at its beginning that were learned; 0 if the model learned other sessions.
    learned_from : str
        What was learned, in words.
    moments : list of Moment
        Strangest first; the least familiar one where none is strange.
    motifs : list of Motif
        Of the whole session.
    islands : IslandMap or None
        None where the session is too short for a map.
    tempo : Tempo or None
        Of the whole session; None where it is too short for one.
    tempi : list of (float, float, Tempo)
        Of up to 12 parts of equal length, each by itself: start and stop in seconds, and its
        tempo. Empty where there would be one part alone.
    numbers : list of (str, str)
        Names and values of the figures in the last table.
    """

    session: Session
    timeline: Timeline
    learned_s: float
    learned_from: str
    moments: list[Moment]
    motifs: list[Motif]
    islands: IslandMap | None
    tempo: Tempo | None
    tempi: list[tuple[float, float, Tempo]]
    numbers: list[tuple[str, str]]


def report_on_itself(session: Session, model: FamiliarityModel,
                     share: float = 0.4) -> SessionReport:
    """Learn the beginning of a session, judge the rest, and report on all of it.

    Parameters
    ----------
    session : Session
    model : FamiliarityModel
        It is fitted here.
    share : float, default=0.4
        How much of the session to learn, between 0 and 1.

    Returns
    -------
    report : SessionReport

    Raises
    ------
    ValueError
        If the beginning is too short to be learned, or the rest to be judged.
    """
    learned_s = session.elapsed(check_fraction("share", share) * session.duration)
    heard = session.between(0, learned_s, keep_clock=True)
    rest = session.between(learned_s, np.inf, keep_clock=True)
    model.fit(heard)
    return _report(session, rest, model, model.timeline(rest), learned_s,
                   f"its own first {share:.0%}")


def report_on(session: Session, model: FamiliarityModel, learned_from: str) -> SessionReport:
    """Judge a session by what was learned of others, and report on it.

    Parameters
    ----------
    session : Session
    model : FamiliarityModel
        Fitted.
    learned_from : str
        What it was fitted on, in words.

    Returns
    -------
    report : SessionReport

    Raises
    ------
    ValueError
        If the session is too short to be judged, or not of the model's frame rate or bands.
    """
    return _report(session, session, model, model.timeline(session), 0.0, learned_from)


def _report(session: Session, judged: Session, model: FamiliarityModel, timeline: Timeline,
            learned_s: float, learned_from: str) -> SessionReport:
    longest = _longest_take_s(session)
    tempi = []
    if longest >= _SHORTEST_TEMPO_S:
        n = max(1, min(_TEMPO_STRETCHES, int(session.span / _TEMPO_STRETCH_S)))
        cuts = np.linspace(0.0, session.span, n + 1).tolist()
        stretches = [(a, b, session.between(a, b))
                     for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
        tempi = [(session.start + a, session.start + b, estimate_tempo(stretch))
                 for a, b, stretch in stretches
                 if _longest_take_s(stretch) >= _SHORTEST_TEMPO_S]
    return SessionReport(
        session, timeline, learned_s, learned_from,
        _moments(judged, model, timeline, session.start + learned_s),
        find_motifs(session, max_motifs=_MOST_MOTIFS)
        if longest >= _SHORTEST_MOTIFS_S else [],
        _map_of(session), estimate_tempo(session) if longest >= _SHORTEST_TEMPO_S else None,
        tempi if len(tempi) > 1 else [], _numbers(session, model, timeline))


def _longest_take_s(session: Session) -> float:
    return max(take.duration for take in session.takes)


def _moments(heard: Session, model: FamiliarityModel, timeline: Timeline,
             judged_from: float) -> list[Moment]:
    """The strange moments of what was judged, by the clock of its session; one at least."""
    moments: list[Moment] = []
    for row in strange_moments(timeline, _MOST_MOMENTS):
        familiarity = float(timeline.familiarity[row])
        stop = float(timeline.times[row])
        explanation = model.explain(heard, stop + 1e-6)
        scale = min(explanation.by_scale, key=explanation.by_scale.__getitem__)
        texts = [f"strangest in windows of {scale:g} s (familiarity "
                 f"{shown_familiarity(explanation.by_scale[scale])})",
                 band_words(explanation.bands)]
        nearest = next((r for r in explanation.matches if r.view == "texture"), None)
        if nearest is not None:
            texts.append(f"most like what was learned at {clock(nearest.time, 1)}")
        moments.append(Moment(max(judged_from, stop - scale), stop, familiarity,
                              "; ".join(text for text in texts if text)))
    return moments


def _map_of(session: Session) -> IslandMap | None:
    """A map of the session's own sounds."""
    if _longest_take_s(session) < 4 * _MAP_SCALE_S:
        return None
    hop = max(0.25, session.duration / _MAP_WINDOWS)
    features = WindowFeatures((_MAP_SCALE_S,), hop, session.frame_rate, views=("texture",),
                              n_bands=session.n_bands)
    (windows,) = features.transform_views(session)
    side = max(3, min(8, round(len(windows.X) ** 0.25 * 1.7)))
    scorer = SOMScorer(shape=(side, side), random_state=0).fit(windows.X)
    return island_map(scorer, windows.X, windows.times, n_bands=session.n_bands)


def _numbers(session: Session, model: FamiliarityModel,
             timeline: Timeline) -> list[tuple[str, str]]:
    low = timeline.familiarity < STRANGE
    rows = [
        ("length", f"{session.duration:g} s{_in_takes(session)}, {len(session)} frames at "
                   f"{session.frame_rate:g} Hz"),
        ("learned", f"{model.duration_:g} s, worth {model.n_effective_:.3g} independent windows"),
        ("scorer", model.scorer if isinstance(model.scorer, str) else type(model.scorer).__name__),
        ("moments judged", str(len(timeline))),
        ("mean familiarity", f"{timeline.familiarity.mean():.3f}"),
        (f"below {STRANGE:g}", f"{low.mean():.1%} of the time (more of the same: about 5 %)"),
    ]
    for j, scale in enumerate(timeline.scales):
        known = timeline.by_scale[np.isfinite(timeline.by_scale[:, j]), j]
        if len(known):
            rows.append((f"windows of {scale:g} s",
                         f"mean {known.mean():.3f}, below {STRANGE:g} "
                         f"{np.mean(known < STRANGE):.1%} of the time"))
    return rows


def _in_takes(session: Session) -> str:
    return f" in {len(session.gaps) + 1} takes over {session.span:g} s" if session.gaps else ""
