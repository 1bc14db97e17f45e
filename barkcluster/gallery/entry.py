"""One entry of a gallery: what is learned of a name's sessions, and how a query is judged by it.

The functions here run in the workers of a gallery. Each worker reads its own sessions, and what it
sends back is small.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.stats import median_abs_deviation
from sklearn.base import clone

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.session import Session, check_frames
from barkcluster.model.doubled import without_doubles
from barkcluster.model.ensemble import Part
from barkcluster.model.model import FamiliarityModel
from barkcluster.scorers.base import FamiliarityScorer
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import check_scales
from barkcluster.windows.training import spread_windows

from .candidates import sketch_prototypes
from .comparison import Record
from .sources import Path, Source, take_of
from .summary import summarize

# By window length in seconds and view.
Windows: TypeAlias = dict[tuple[float, str], Float32Array]
# A model and some windows of a name, or what their files are called.
Kept: TypeAlias = tuple[FamiliarityModel, Windows] | str
Keep: TypeAlias = Callable[[FamiliarityModel, Windows], Kept]

# How much each view counts for whole sessions. Patterns tell moments apart, and do not count.
_VIEW_WEIGHT = {"texture": 1.0, "rhythm": 0.3}
# In recorded music, the log distance of texture windows falls by this while the logarithm of their
# length rises by 1.
_TEXTURE_SLOPE = 0.2
# Distances below this count as this: see `_said`.
_NEAREST = 0.1
# Seconds of each session whose windows are kept, to compare sessions with each other later.
_SAMPLE_S = 20.0
# Of a longer query this many seconds are judged, in stretches evenly over it.
_JUDGED_WHOLE_S = 100.0
_STRETCHES = 4
# A session of which another one holds this share is no take of its own.
_HELD_BY_ANOTHER = 0.5
# A scale needs sessions of this many times its length.
_SHORTEST_SESSION = 3.0


@dataclass(eq=False)
class Entry:
    """What a gallery learns of one name.

    Attributes
    ----------
    prototypes : ndarray of shape (N_PROTOTYPES, SKETCH_SIZE), float32
        Its sketch.
    record : Record
        Its sessions as wholes, and what was held out of them.
    features : WindowFeatures
        Windows of its model.
    kept : (FamiliarityModel, dict) or str
        The model of all its sessions and some of their windows; or what their files are called.
    """

    prototypes: Float32Array
    record: Record
    features: WindowFeatures
    kept: Kept


def in_memory(model: FamiliarityModel, sample: Windows) -> Kept:
    """Keep a model and windows as they are."""
    return model, sample


def learn_entry(name: str, template: FamiliarityModel, sources: Sequence[Source],
                reader: Callable[[Path], Session], n_pieces: int, keep: Keep) -> Entry:
    """Read sessions of a name and learn them, and how strange pieces held out of them are.

    Parameters
    ----------
    name : str
        Whose they are; errors say it.
    template : FamiliarityModel
        Not fitted; it is cloned.
    sources : sequence of (array-like, Session or path)
        Separate takes.
    reader : callable
        Makes a Session of a path.
    n_pieces : int
        Pieces held out in turn.
    keep : callable
        Takes the model and some windows: `in_memory`, or `GalleryFolder.write_entry`.

    Returns
    -------
    entry : Entry

    Raises
    ------
    ValueError
        If the sessions cannot be learned; the message begins with the name.
    """
    sessions = [take_of(source, template.frame_rate, reader) for source in sources]
    takes = _stretches(sessions, template)
    wanted = check_scales(template.scales)
    # Sessions of all lengths are usual here: those too short for some scales are not warned of.
    usable = tuple(s for s in wanted if _enough(takes, s)) or wanted
    try:
        model = clone(template).set_params(scales=usable).fit(takes)
        model.set_params(scales=template.scales)
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from error
    sample = _sample_of(model.features_, max(takes, key=len))
    # What is left out of a fit is in two takes.
    copies = model.duration_ < sum(take.duration for take in takes) - 1e-6
    return Entry(sketch_prototypes(takes),
                 _record(_distinct(sessions, copies), template, model.scales_, n_pieces, copies),
                 model.features_, keep(model, sample))


def try_entry(name: str, template: FamiliarityModel, sources: Sequence[Source],
              reader: Callable[[Path], Session], n_pieces: int, keep: Keep,
              ) -> tuple[Entry | None, dict[str, str]]:
    """`learn_entry` of the sources that can be read, and why the others cannot.

    Returns
    -------
    entry : Entry or None
        None if nothing could be learned.
    why : dict of str to str
        Errors, by path; by name where the sessions could be read and not be learned.
    """
    why: dict[str, str] = {}
    able: list[Source] = []
    for i, source in enumerate(sources):
        try:
            able.append(take_of(source, template.frame_rate, reader))
        except (ValueError, OSError) as error:
            path = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else (
                f"{name}, take {i + 1}")
            why[path] = str(error)
    if not able:
        return None, why
    try:
        return learn_entry(name, template, able, reader, n_pieces, keep), why
    except ValueError as error:
        return None, {**why, name: str(error)}


def _record(sessions: Sequence[Session], template: FamiliarityModel,
            scales: tuple[float, ...], n_pieces: int, copies: bool) -> Record:
    """Hold out pieces of a name's sessions in turn, and judge each by what the rest teaches."""
    held_out, summaries, folds = [], [], []
    for fold, (kept, pieces) in enumerate(held_out_pieces(sessions, n_pieces, max(scales))):
        takes = _stretches(kept, template)
        usable = tuple(s for s in scales if _enough(takes, s))
        able = [piece for piece in pieces
                if usable and _longest(piece) >= usable[0] + template.hop]
        if able:
            features, parts = clone(template).set_params(scales=usable).learn_parts(
                takes, tuple(_VIEW_WEIGHT), copies)
            mean = np.mean([summarize(session) for session in kept], axis=0)
        for piece in able:
            windows = windows_of(features, piece)
            said = strangeness_to(parts, features.scales, windows)
            if len(sessions) > len(kept) == 1:
                # Rhythm counts in spreads of what was learned. Long windows of one short take are
                # nearly the same, and the rhythm of another is many of their spreads away; from
                # the two takes that a query is judged by, it is not.
                said = min(said, strangeness_to(
                    [part for part in parts if part.view == "texture"], features.scales, windows))
            held_out.append(said)
            summaries.append([summarize(piece), mean])
            folds.append(fold)
    taken = np.array([summarize(session) for session in sessions], dtype=np.float32)
    whole = len(sessions) > 1
    return Record(np.array(held_out, dtype=np.float64), taken,
                  np.array(summaries, np.float32).reshape(-1, 2, taken.shape[1]),
                  np.arange(len(sessions), dtype=np.int32) % n_pieces if whole else (
                      np.array([-1], np.int32)),
                  np.array(folds, dtype=np.int32))


def _distinct(sessions: Sequence[Session], copies: bool) -> list[Session]:
    """Sessions without those that another one holds, or most of them.

    Held out, a copy would be judged by what heard it, and how takes differ would be learned from
    takes that hardly do.
    """
    left: list[Session] = []
    for session in sessions:
        if not any(np.array_equal(session.frames, other.frames) for other in left):
            left.append(session)
    if not copies or len(left) < 2:
        return left
    lengths = [len(session.frames) for session in left]
    _, found = without_doubles([session.frames for session in left], range(len(left)),
                               left[0].frame_rate)
    shared: dict[tuple[int, int], int] = {}
    for earlier, later, start, stop, _ in found:
        shared[earlier, later] = shared.get((earlier, later), 0) + stop - start
    out: set[int] = set()
    for pair, n_shared in shared.items():
        shorter = min(reversed(pair), key=lambda i: lengths[i])
        if not out & set(pair) and n_shared >= _HELD_BY_ANOTHER * lengths[shorter]:
            out.add(shorter)
    return [session for i, session in enumerate(left) if i not in out]


def _sample_of(features: WindowFeatures, take: Session) -> Windows:
    """Windows from the middle of a take, at uneven places, so that they lock onto no loop."""
    start = max(0.0, (take.duration - _SAMPLE_S) / 2)
    frames = check_frames(take.between(start, start + _SAMPLE_S), take.n_bands)
    return {(features.scales[i], view): rows for (i, view), rows in zip(
        features.blocks, spread_windows(features, frames), strict=True)
        if view in _VIEW_WEIGHT and len(rows)}


def _stretches(sessions: Sequence[Session], template: FamiliarityModel) -> list[Session]:
    """Takes between gaps that hold a window of the shortest scale; all takes if none does."""
    takes = [take for session in sessions for take in session.takes]
    shortest = check_scales(template.scales)[0]
    return [take for take in takes if take.duration >= shortest] or takes


def _longest(session: Session) -> float:
    return max(take.duration for take in session.takes)


def windows_of(features: WindowFeatures, session: Session) -> list[Windows]:
    """Windows of a session by scale and view, for each stretch of it that is judged.

    Stretches are its takes; of a session longer than 100 s, four of 25 s evenly over it.

    Raises
    ------
    ValueError
        If no take holds a window of the shortest scale.
    """
    longest = max(take.duration for take in session.takes)
    if longest < features.scales[0]:
        raise ValueError(
            f"a session must cover the shortest window, {features.scales[0]:g} s; got "
            f"{longest:g} s.")
    if session.duration <= _JUDGED_WHOLE_S:
        stretches = session.takes
    else:
        length = _JUDGED_WHOLE_S / _STRETCHES
        stretches = [_stretch(session, start, length) for start in
                     np.linspace(0.0, session.duration - length, _STRETCHES)]
    counted = WindowFeatures(features.scales, features.hop, features.frame_rate,
                             views=tuple(_VIEW_WEIGHT), n_bands=features.n_bands,
                             definition=features.definition)
    return [{(view.scale, view.view): view.X for view in counted.transform_views(stretch)}
            for stretch in stretches]


def _stretch(session: Session, sound_s: float, length: float) -> Session:
    """Some seconds of a session after so much sound, within one take."""
    for take in session.takes:
        if sound_s < take.duration or take is session.takes[-1]:
            return take.between(sound_s, sound_s + length)
        sound_s -= take.duration
    return session


def strangeness(model: FamiliarityModel, stretches: Sequence[Windows]) -> float:
    """How strange windows are to a model, in a unit that models of all sessions share.

    The familiarity of a model counts in spreads of its own session: to a session of great variety,
    or a short one, little is strange. Models of different sessions are compared in the texture's
    own unit instead, the mean log distance over windows and scales. Rhythm has no such unit; it
    counts a little, in spreads.

    Parameters
    ----------
    model : FamiliarityModel
    stretches : sequence of Windows
        What is judged. Windows of scales that the model does not have are left out.

    Returns
    -------
    strangeness : float
        Higher is stranger.
    """
    return strangeness_to(model.parts_, model.scales_, stretches)


def strangeness_to(parts: Sequence[Part], scales: Sequence[float],
                   stretches: Sequence[Windows]) -> float:
    """The same of the parts of a model.

    Parameters
    ----------
    parts : sequence of Part
    scales : sequence of float
        Window lengths that the parts' numbers of scales stand for.
    stretches : sequence of Windows

    Returns
    -------
    strangeness : float
    """
    said: dict[str, list[tuple[float, float]]] = {view: [] for view in _VIEW_WEIGHT}
    for part in parts:
        scale = scales[part.scale_index]
        rows = [windows[scale, part.view] for windows in stretches
                if len(windows.get((scale, part.view), ()))]
        if part.view in said and rows:
            value = _said(part.scorer, part.view, scale, np.concatenate(rows).astype(np.float64))
            said[part.view].append((value, scale))
    return sum(_VIEW_WEIGHT[view] * sum(v * w for v, w in values) / sum(w for _, w in values)
               for view, values in said.items() if values)


def _said(scorer: FamiliarityScorer, view: str, scale: float, X: FloatArray) -> float:
    """Mean strangeness of windows to one scorer."""
    novelty, usual = scorer.novelty_of(X), scorer.held_out_novelty_
    if scorer.novelty_is_distance:
        # An exact repetition, at distance 0, is not infinitely nearer than a near one.
        novelty, usual = (np.log(np.maximum(values, _NEAREST)) for values in (novelty, usual))
        if view == "texture":
            return float(np.mean(novelty)) + _TEXTURE_SLOPE * float(np.log(scale))
    middle = float(np.median(usual))
    spread = float(median_abs_deviation(usual, scale="normal")) + 0.05
    return (float(np.mean(novelty)) - middle) / spread


def decisive_seconds(said: FamiliarityModel, other: FamiliarityModel, session: Session,
                     ) -> tuple[float, float]:
    """The window in which a session is most like one model and least like another.

    Parameters
    ----------
    said, other : FamiliarityModel
        The one it is like, and the other.
    session : Session

    Returns
    -------
    start, stop : float
        Seconds on the session's clock of the window, of the longest scale that both models and the
        session have, by texture; nan if there is none.
    """
    best, found = np.inf, (np.nan, np.nan)
    for scale in sorted(set(said.scales_) & set(other.scales_), reverse=True):
        parts = [next(part for part in model.parts_ if part.view == "texture"
                      and model.scales_[part.scale_index] == scale) for model in (said, other)]
        for take in session.takes:
            for view in said.features_.transform_views(take):
                if (view.scale, view.view) != (scale, "texture") or not len(view.X):
                    continue
                rows = view.X.astype(np.float64)
                nearer, farther = (np.log(np.maximum(part.scorer.novelty_of(rows), _NEAREST))
                                   for part in parts)
                i = int(np.argmin(nearer - farther))
                if nearer[i] - farther[i] < best:
                    best = nearer[i] - farther[i]
                    stop = float(view.times[i])
                    found = stop - scale, stop
        if np.isfinite(best):
            break
    return found


def held_out_pieces(
    takes: Sequence[Session], n_pieces: int, gap_s: float
) -> list[tuple[list[Session], list[Session]]]:
    """What to learn and what to judge, for each piece held out.

    Where there are several takes, whole ones are held out, because a query is another take. Of one
    take, stretches are, with a gap on either side, because neighboring windows share frames.

    Parameters
    ----------
    takes : sequence of Session
    n_pieces : int
    gap_s : float
        Seconds left out on either side of a stretch.

    Returns
    -------
    folds : list of (list of Session, list of Session)
        What is kept and what is held out.
    """
    if len(takes) > 1:
        n_pieces = min(n_pieces, len(takes))
        return [([t for j, t in enumerate(takes) if j % n_pieces != i],
                 [t for j, t in enumerate(takes) if j % n_pieces == i]) for i in range(n_pieces)]
    folds = []
    for i in range(n_pieces):
        kept, pieces = [], []
        for take in takes[0].takes:
            start, stop = (take.duration * j / n_pieces for j in (i, i + 1))
            gap = min(gap_s, (stop - start) / 2)
            pieces.append(take.between(start, stop))
            for a, b in ((0.0, start - gap), (stop + gap, take.duration)):
                if b > a:
                    kept.append(take.between(a, b))
        folds.append((kept, pieces))
    return folds


def _enough(takes: Sequence[Session], scale: float) -> bool:
    return sum(t.duration for t in takes if t.duration >= scale) >= _SHORTEST_SESSION * scale
