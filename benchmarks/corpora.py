"""Where the benchmarks get their music: corpora of tracks, and which are strangers to which.

A *track* is one recording as Bark frames; a *corpus* is a set of them made by the same hands or
the same process. Three sources are understood:

- ``NAME.npz``: one ``(n_frames, 25)`` array a track, int16 in tenths of a dB or floats in dB. An
  ``index.csv`` beside it (columns ``corpus, track, label``) names the artist of each track. An
  array ``TRACK.offsets`` of clip borders marks a collection of clips, which is not music.
- session text and sound files, or folders of them: each folder is a corpus. Sound needs the extra
  `audio`.
- seeded synthetic jams, when nothing is given.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster.files.suffixes import is_audio

Frames = npt.NDArray[np.float32]

FRAME_RATE = 100.0
FLOOR_DB = -100.0

# Corpora whose tracks are layers of songs: the part of the name before "_" is the song, and
# layers of one song hold the same music. Of all corpora they are most like a jam.
LAYERED = frozenset({"everything_is_free"})
# Corpora that are stems of one single piece. Their strangers come from another corpus.
ONE_PIECE = {"mdn_multitrack": "everything_is_free"}
JAM_LIKE = LAYERED | frozenset(ONE_PIECE)
# Stems of players who are often silent: reported track by track.
SPARSE_STEMS = re.compile(r"(^|_)(drums|vox)$")
# Labels that name nobody.
NOBODY = re.compile(r"unknown|uncredited|unlabelled|_other$|_team$|^$", re.IGNORECASE)


@dataclass(frozen=True)
class Track:
    """One recording.

    Parameters
    ----------
    corpus, name : str
        Where it is from and what it is called.
    frames : ndarray of shape (n_frames, 25)
        Bark coefficients in dB, 100 a second.
    label : str
        Its artist or composer; empty when nobody says.
    clips : ndarray of shape (n_clips + 1,) or None
        Borders of the clips of a collection of clips; None for music.
    tags : dict of str to ndarray of shape (n_clips,)
        What is known about each clip (digit, take).
    """

    corpus: str
    name: str
    frames: Frames = field(repr=False)
    label: str = ""
    clips: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    tags: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """``corpus/name``, unique over all corpora."""
        return f"{self.corpus}/{self.name}"

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.frames) / FRAME_RATE

    @property
    def song(self) -> str:
        """What it is a layer or a stem of; itself for an ordinary track."""
        if self.corpus in ONE_PIECE:
            return self.corpus
        return f"{self.corpus}/{self.name.split('_')[0]}" if self.corpus in LAYERED else self.key

    @property
    def artist(self) -> str:
        """The label, or the corpus and the label where the label names nobody."""
        return f"{self.corpus}/{self.label}" if NOBODY.search(self.label) else self.label

    @property
    def group(self) -> str:
        """The table it is reported in: ``jam-like`` or ``other``."""
        return "jam-like" if self.corpus in JAM_LIKE else "other"


def seed_of(*words: str | int) -> int:
    """A seed that depends on nothing but the words: the same on every machine and run."""
    return zlib.crc32("\0".join(map(str, words)).encode())


def load(paths: Sequence[Path]) -> list[Track]:
    """Every track in the given files and folders, in a fixed order.

    Raises
    ------
    ValueError
        When nothing is found, or a file does not hold 25 numbers a frame, 100 frames a second.
    """
    tracks: list[Track] = []
    for path in paths:
        if not path.exists():
            raise ValueError(f"--sessions must name files or folders; {path} does not exist.")
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.name.startswith(".") or file.name == "index.csv":
                continue
            if file.suffix == ".npz":
                tracks += _from_npz(file)
            elif file.suffix in {".txt", ".tsv", ".csv"} or is_audio(file):
                tracks.append(_from_file(file))
    if not tracks:
        raise ValueError("--sessions must hold .npz corpora, session text or sound; found none in "
                         + ", ".join(map(str, paths)) + ".")
    return tracks


def synthetic(n_jams: int = 8, minutes: float = 3.0) -> list[Track]:
    """Seeded synthetic jams, as one corpus."""
    from barkcluster.synthetic import make_session

    jams = (make_session(minutes, random_state=seed)[0] for seed in range(n_jams))
    return [Track("synthetic", f"jam_{seed}", np.asarray(jam.frames, np.float32))
            for seed, jam in enumerate(jams)]


def half(tracks: Iterable[Track], which: str) -> list[Track]:
    """The tracks of half ``"A"`` or ``"B"``: tune on one, confirm on the other.

    An artist is never in both, and one who is in two corpora is one artist. Only layered songs
    by a single artist are divided by song, or one half would have none of them. Collections of
    clips are in both halves.
    """
    tracks = list(tracks)
    units: dict[str, list[Track]] = {}
    names = sorted({t.artist for t in tracks}, key=len)
    for track in tracks:
        if track.clips is None:
            unit = track.song if track.group == "jam-like" else _first_name(track.artist, names)
            units.setdefault(unit, []).append(track)
    counts: dict[tuple[str, str], int] = {}
    chosen: dict[str, list[Track]] = {"A": [], "B": []}
    for unit in sorted(units, key=lambda u: (-len(units[u]), u)):
        corpora = {t.corpus for t in units[unit]}
        side = min("AB", key=lambda s: (sum(counts.get((s, c), 0) for c in corpora),
                                        len(chosen[s]), s))
        chosen[side] += units[unit]
        for track in units[unit]:
            counts[side, track.corpus] = counts.get((side, track.corpus), 0) + 1
    kept = {t.key for t in chosen[which]}
    return [t for t in tracks if t.key in kept or t.clips is not None]


def spread(tracks: Sequence[Track], limit: int | None) -> list[Track]:
    """At most ``limit`` tracks, evenly over the list and so over the corpora."""
    if limit is None or limit >= len(tracks):
        return list(tracks)
    return [tracks[i] for i in np.linspace(0, len(tracks) - 1, limit).round().astype(int)]


def strangers(track: Track, tracks: Sequence[Track], kind: str, n: int,
              min_seconds: float) -> list[Track]:
    """Music the track has nothing to do with.

    Parameters
    ----------
    track : Track
        The one that was learned.
    tracks : sequence of Track
        All there are to choose from.
    kind : {"hard", "easy"}
        ``hard``: of the same corpus, same artist or not. ``easy``: of other corpora, by others,
        no two of one corpus while there are enough corpora.
    n : int
        How many at most.
    min_seconds : float
        How long they must be at least.

    Returns
    -------
    chosen : list of Track
        Always the same ones for a track. Layers of its own song are never among them.
    """
    rng = np.random.default_rng(seed_of(track.key, kind))
    able = [t for t in tracks if t.clips is None and t.duration >= min_seconds
            and t.song != track.song]
    able = [able[i] for i in rng.permutation(len(able))]
    if kind == "hard":
        home = ONE_PIECE.get(track.corpus, track.corpus)
        return [t for t in able if t.corpus == home][:n]
    able = [t for t in able if t.corpus != track.corpus and t.artist != track.artist]
    rounds: dict[str, int] = {}
    turn = {}
    for candidate in able:
        turn[candidate.key] = rounds[candidate.corpus] = rounds.get(candidate.corpus, 0) + 1
    return sorted(able, key=lambda t: turn[t.key])[:n]


def _first_name(artist: str, names: Sequence[str]) -> str:
    """The shortest artist that opens this one: ``X`` for ``X_and_Y``."""
    return next(n for n in names if (artist + "_").lower().startswith((n + "_").lower()))


def _from_npz(path: Path) -> list[Track]:
    labels = {}
    index = path.parent / "index.csv"
    if index.exists():
        with index.open(newline="", encoding="utf-8") as rows:
            labels = {(r["corpus"], r["track"]): r["label"] for r in csv.DictReader(rows)}
    tracks = []
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:
            owner = name.rpartition(".")[0]
            if owner in arrays.files:
                continue
            frames = arrays[name]
            if frames.dtype == np.int16:
                frames = frames / 10.0
            clips = f"{name}.offsets"
            tags = {what: arrays[f"{name}.{what}"] for what in ("digit", "take")
                    if f"{name}.{what}" in arrays.files}
            tracks.append(Track(path.stem, name, _checked(frames, f"{path}: {name}"),
                                labels.get((path.stem, name), ""),
                                arrays[clips] if clips in arrays.files else None, tags))
    return tracks


def _from_file(path: Path) -> Track:
    from barkcluster import read_audio, read_session

    session = read_audio(path) if is_audio(path) else read_session(path)
    if session.frame_rate != FRAME_RATE:
        raise ValueError(f"{path} must hold {FRAME_RATE:g} frames a second; "
                         f"got {session.frame_rate:g}.")
    return Track(path.parent.name or "sessions", path.stem, _checked(session.frames, str(path)))


def _checked(frames: npt.NDArray[np.generic], where: str) -> Frames:
    if frames.ndim != 2 or frames.shape[1] != 25:
        raise ValueError(f"{where} must have shape (n, 25); got {frames.shape}.")
    return np.maximum(np.asarray(frames, np.float32), FLOOR_DB)
