"""One entry of a gallery: what is learned of a name's sessions, and how a query is judged by it.

The functions here run in the workers of a gallery: each reads its own sessions, and what goes back
is small.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.cluster import KMeans

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.session import Session, check_frames
from barkcluster.model.model import FamiliarityModel
from barkcluster.scorers.base import FamiliarityScorer
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import check_scales

from .folder import GalleryFolder

Path: TypeAlias = str | os.PathLike[str]
Source: TypeAlias = npt.ArrayLike | Session | Path
# By window length in seconds and view.
Windows: TypeAlias = dict[tuple[float, str], Float32Array]

# What the views have to say of whole sessions; patterns are of moments.
_VIEW_WEIGHT = {"texture": 1.0, "rhythm": 0.3}
# Log distance of texture windows falls by so much while the logarithm of their length rises by 1,
# within recorded music.
_TEXTURE_SLOPE = 0.2
_NEAREST = 0.1
# Seconds of each session whose windows are kept, to compare sessions with each other later.
_SAMPLE_S = 20.0
# Of longer sessions, as much is judged, in so many stretches.
_JUDGED_WHOLE_S = 100.0
_STRETCHES = 4
# The sketch of a session that candidates are found by: so many prototypes of so many numbers.
N_PROTOTYPES = 16
SKETCH_SIZE = 64

_SKETCH_SCALE_S = 3.0
_SKETCH_WINDOWS = 200
_SHORTEST_SESSION = 3.0


@dataclass(eq=False)
class Entry:
    """What a gallery learns of one name.

    Attributes
    ----------
    prototypes : ndarray of shape (N_PROTOTYPES, SKETCH_SIZE), float32
        Its sketch.
    held_out : ndarray of shape (n_known,)
        Strangeness of pieces of its own sessions to models that did not hear them.
    features : WindowFeatures
        Of its model.
    kept : (FamiliarityModel, dict) or str
        Its model, fitted on all of it, and some of its windows; or what their files are called.
    """

    prototypes: Float32Array
    held_out: FloatArray
    features: WindowFeatures
    kept: tuple[FamiliarityModel, Windows] | str


def learn_entry(name: str, template: FamiliarityModel, sources: Sequence[Source],
                reader: Callable[[Path], Session], n_pieces: int,
                folder: GalleryFolder | None) -> Entry:
    """Read sessions and learn them, and how strange unheard pieces of them are.

    Parameters
    ----------
    name : str
        For errors.
    template : FamiliarityModel
        Unfitted.
    sources : sequence of (array-like, Session or path)
        Separate takes.
    reader : callable
        Makes a Session of a path.
    n_pieces : int
        Pieces held out in turn.
    folder : GalleryFolder or None
        Where to keep the model; None returns it.

    Returns
    -------
    entry : Entry
    """
    takes = _long_enough([take for source in sources for take in
                          take_of(source, template.frame_rate, reader).takes], template)
    wanted = check_scales(template.scales)
    # Sessions of all lengths are usual here: scales too long for some are no reason to warn.
    usable = tuple(s for s in wanted if _enough(takes, s)) or wanted
    try:
        model = clone(template).set_params(scales=usable).fit(takes)
        model.set_params(scales=template.scales)
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from error
    longest = max(takes, key=len)
    start = max(0.0, (longest.duration - _SAMPLE_S) / 2)
    (sample,) = windows_of(model.features_, longest.between(start, start + _SAMPLE_S))
    held_out = []
    for kept, pieces in held_out_pieces(takes, n_pieces, max(model.scales_)):
        scales = tuple(s for s in model.scales_ if _enough(kept, s))
        able = [piece for piece in pieces if scales and piece.duration >= scales[0] + template.hop]
        if able:
            twin = clone(template).set_params(scales=scales).fit(kept)
            held_out.append(float(np.mean([
                strangeness(twin, windows_of(twin.features_, piece))
                for piece in able])))
    return Entry(sketch_prototypes(takes), np.array(held_out, dtype=np.float64), model.features_,
                 (model, sample) if folder is None else folder.write_entry(model, sample))


def try_entry(name: str, template: FamiliarityModel, sources: Sequence[Source],
              reader: Callable[[Path], Session], n_pieces: int,
              folder: GalleryFolder | None) -> tuple[Entry | None, dict[str, str]]:
    """`learn_entry` of the sources that can be read, and why others cannot.

    Returns
    -------
    entry : Entry or None
        None if nothing could be learned.
    why : dict of str to str
        By path, or by name where that could be read, but not learned.
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
        return learn_entry(name, template, able, reader, n_pieces, folder), why
    except ValueError as error:
        return None, {**why, name: str(error)}


def _long_enough(takes: list[Session], template: FamiliarityModel) -> list[Session]:
    """Takes that hold a window; all of them if none does."""
    shortest = check_scales(template.scales)[0]
    return [take for take in takes if take.duration >= shortest] or takes


def take_of(source: Source, frame_rate: float, reader: Callable[[Path], Session]) -> Session:
    """The session that a source is or names."""
    if isinstance(source, Session):
        return source
    if isinstance(source, (str, os.PathLike)):
        return reader(source)
    return Session(check_frames(source), frame_rate)


def windows_of(features: WindowFeatures, session: Session) -> list[Windows]:
    """Windows of a session by scale and view; of stretches evenly over it if it is long."""
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
    return [{(view.scale, view.view): view.X for view in features.transform_views(stretch)
             if view.view in _VIEW_WEIGHT} for stretch in stretches]


def _stretch(session: Session, sound_s: float, length: float) -> Session:
    """Some seconds of a session after so much sound, within one take."""
    for take in session.takes:
        if sound_s < take.duration or take is session.takes[-1]:
            return take.between(sound_s, sound_s + length)
        sound_s -= take.duration
    return session


def strangeness(model: FamiliarityModel, stretches: Sequence[Windows]) -> float:
    """How strange windows are to a model, in a unit that models of all sessions share.

    The familiarity of a model counts in spreads of its own session, and so a session of great
    variety, or one that was short, finds little strange. Between sessions it is better to count in
    the texture's own units: mean log distance, over windows and scales, and the rhythm's, which
    has none, a little.

    Parameters
    ----------
    model : FamiliarityModel
    stretches : sequence of Windows
        What is judged; windows of scales that the model has not are left out.

    Returns
    -------
    strangeness : float
        Higher is stranger.
    """
    said: dict[str, list[tuple[float, float]]] = {view: [] for view in _VIEW_WEIGHT}
    for part in model.parts_:
        scale = model.scales_[part.scale]
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
        # What was heard exactly so is not infinitely nearer than what was heard nearly so.
        novelty, usual = (np.log(np.maximum(values, _NEAREST)) for values in (novelty, usual))
        if view == "texture":
            return float(np.mean(novelty)) + _TEXTURE_SLOPE * float(np.log(scale))
    middle = float(np.median(usual))
    spread = 1.4826 * float(np.median(np.abs(usual - middle))) + 0.05
    return (float(np.mean(novelty)) - middle) / spread


def held_out_pieces(
    takes: Sequence[Session], n_pieces: int, gap_s: float
) -> list[tuple[list[Session], list[Session]]]:
    """What to learn and what to judge, for each piece held out.

    Whole takes where there are enough of them: a query is another take. Else stretches, with a
    gap on either side, because neighboring windows share frames.
    """
    if len(takes) >= n_pieces:
        return [([t for j, t in enumerate(takes) if j % n_pieces != i],
                 [t for j, t in enumerate(takes) if j % n_pieces == i]) for i in range(n_pieces)]
    folds = []
    for i in range(n_pieces):
        kept, pieces = [], []
        for take in takes:
            start, stop = (take.duration * j / n_pieces for j in (i, i + 1))
            gap = min(gap_s, (stop - start) / 2)
            pieces.append(take.between(start, stop))
            for a, b in ((0.0, start - gap), (stop + gap, take.duration)):
                if b > a:
                    kept.append(take.between(a, b))
        folds.append((kept, pieces))
    return folds


def sketch(session: Session) -> Float32Array:
    """Windows of a session in the few numbers that candidates are found by.

    Texture and rhythm of windows of 3 s, projected at random: distances are nearly kept (Johnson
    and Lindenstrauss 1984). Nothing is learned, so that entries need not know each other.
    """
    if session.gaps:
        takes = [take for take in session.takes if take.duration >= _SKETCH_SCALE_S]
        takes = takes or [max(session.takes, key=len)]
        return np.concatenate([sketch(take) for take in takes])
    frames = np.asarray(session.frames)
    shortest = int(np.ceil(_SKETCH_SCALE_S * session.frame_rate)) + 1
    if len(frames) < shortest:
        frames = np.tile(frames, (-(-shortest // len(frames)), 1))
    hop = max(0.1, len(frames) / session.frame_rate / _SKETCH_WINDOWS)
    features = WindowFeatures((_SKETCH_SCALE_S,), hop, session.frame_rate,
                              views=("texture", "rhythm"), n_bands=session.n_bands)
    rows = np.hstack([view.X for view in features.transform_views(frames)])
    # The legacy generator's numbers never change: sketches in files stay comparable.
    projection = np.random.RandomState(0).normal(size=(rows.shape[1], SKETCH_SIZE))
    return np.asarray(rows @ (projection / np.sqrt(SKETCH_SIZE)), dtype=np.float32)


def sketch_prototypes(takes: Sequence[Session]) -> Float32Array:
    """Prototypes of the sketches of takes; repeated where there are fewer windows."""
    rows = np.concatenate([sketch(take) for take in takes]).astype(np.float64)
    distinct = np.unique(rows, axis=0)
    if len(distinct) <= N_PROTOTYPES:
        return np.resize(distinct, (N_PROTOTYPES, SKETCH_SIZE)).astype(np.float32)
    means = KMeans(N_PROTOTYPES, n_init=1, random_state=0).fit(rows).cluster_centers_
    return np.asarray(means, dtype=np.float32)


def _enough(takes: Sequence[Session], scale: float) -> bool:
    return sum(t.duration for t in takes if t.duration >= scale) >= _SHORTEST_SESSION * scale
