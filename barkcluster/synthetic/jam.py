"""Seeded jam sessions as sound and frames, with annotations of all that happens in them.

A band of drums, bass, keys, pad and lead plays a song form; its notes are rendered to sound, and
the sound is analyzed as any recording is. Its riffs recur with slight changes; its tempo, level
and line-up vary, as in a real jam. After the first 40 %, something that the band never played
intrudes now and then. This is the data of the demo, the tests and the documentation.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive
from barkcluster.frames.bark import BarkAnalyzer
from barkcluster.frames.session import Session

from .instruments import SAMPLE_RATE, Sound
from .intrusions import INTRUSIONS, Moment
from .mixing import Room, Voices, band_blocks
from .songwriting import BEATS_PER_BAR, Riff, Section, perform, write_song

__all__ = ["Annotations", "Riff", "Section", "Surprise", "make_session", "make_sound"]

FRAME_RATE = 100
CLEAN_SHARE = 0.4  # of the session, before the first surprise
SHORTEST_MINUTES = 0.05
_HOP = SAMPLE_RATE // FRAME_RATE
_WINDOW = 2048  # of the analysis, in samples
_SECONDS_PER_SURPRISE = 22.0
_SHORTEST_SURPRISE_S = 2.0
_FADE_S = 0.03

RandomState = int | np.random.Generator | None


@dataclass(frozen=True)
class Surprise:
    """A stretch in which something intrudes that was never heard before.

    Attributes
    ----------
    kind : str
        ``"instrument"``: an instrument that the band lacks, alone, in another meter and key.
        ``"tempo"``: another band at another tempo. ``"noise"``: bursts of noise.
        ``"crowd"``: applause and voices. ``"melody"``: an unknown melody in another register,
        over the band. ``"order"``: the band's own notes shuffled.
    start, stop : float
        Seconds.
    """

    kind: str
    start: float
    stop: float


@dataclass(frozen=True)
class Annotations:
    """What is known about a synthetic session. Times are in seconds from its start.

    Attributes
    ----------
    tempo : float
        Beats per minute as written; the band drifts from it by about 1.5 % at most.
    key : str
        For instance ``"F# dorian"``.
    instruments : dict of str to str
        The instrument of each player but the drummer.
    beats : ndarray of shape (n_beats,)
        Times of the beats, which go on through surprises. Every fourth, from the first, begins a
        bar.
    sections : tuple of Section
        The form, in order and without gaps.
    riffs : tuple of Riff
        Each time that the lead plays a riff, in order, but for those that overlap a surprise.
    surprises : tuple of Surprise
        In order; they do not overlap.
    clean_stop : float
        No surprise starts before this time: learn the session up to here.
    """

    tempo: float
    key: str
    instruments: dict[str, str]
    beats: npt.NDArray[np.float64]
    sections: tuple[Section, ...]
    riffs: tuple[Riff, ...]
    surprises: tuple[Surprise, ...]
    clean_stop: float

    def surprise_mask(self, times: npt.ArrayLike, window_s: float = 0.0, *,
                      least_share: float = 0.0) -> npt.NDArray[np.bool_]:
        """Whether the window that ends at each time holds a surprise.

        Parameters
        ----------
        times : array-like of shape (n,)
            Ends of the windows in seconds, as ``Timeline.times``.
        window_s : float, default=0.0
            Length of the windows in seconds; with 0, whether a surprise goes on at each time.
        least_share : float, default=0.0
            Share of the window, 0 to 1, that surprises must fill; with 0, any overlap counts. It
            has no effect on windows of length 0.

        Returns
        -------
        mask : ndarray of bool of shape (n,)

        Examples
        --------
        >>> import numpy as np
        >>> from barkcluster.synthetic import Annotations, Surprise
        >>> known = Annotations(tempo=100.0, key="A minor", instruments={}, beats=np.zeros(0),
        ...                     sections=(), riffs=(), clean_stop=4.0,
        ...                     surprises=(Surprise("noise", 6.0, 8.0),))
        >>> known.surprise_mask([5.0, 7.0, 9.0])
        array([False,  True, False])
        >>> known.surprise_mask([5.0, 7.0, 9.0], window_s=2.0)
        array([False,  True,  True])
        >>> known.surprise_mask([7.0, 8.0, 9.0], window_s=2.0, least_share=0.9)
        array([False,  True, False])
        """
        if not window_s >= 0:
            raise ValueError(f"window_s must be 0 or more seconds; got {window_s}.")
        if not 0 <= least_share <= 1:
            raise ValueError(f"least_share must be between 0 and 1; got {least_share}.")
        ends = np.asarray(times, dtype=np.float64)
        covered = np.zeros(ends.shape)
        mask = np.zeros(ends.shape, dtype=np.bool_)
        for surprise in self.surprises:
            mask |= (ends >= surprise.start) & (ends - window_s < surprise.stop)
            covered += np.clip(np.minimum(ends, surprise.stop)
                               - np.maximum(ends - window_s, surprise.start), 0.0, None)
        if window_s > 0:
            mask &= covered >= least_share * window_s - 1e-9
        return mask


def make_session(minutes: float = 5, *, random_state: RandomState = 0,
                 tempo: float | None = None, swing: float | None = None, drums: bool = True,
                 surprises: bool = True) -> tuple[Session, Annotations]:
    """Make a synthetic jam: frames, 100 a second, and annotations.

    Parameters
    ----------
    minutes : float, default=5
        Length, at least 0.05 (3 s). Memory grows by 0.6 MB a minute.
    random_state : int, numpy.random.Generator or None, default=0
        Seed. Each number is another song, and the same number gives the same frames again.
    tempo : float, optional
        Beats per minute, 40 to 240. By default drawn from 70 to 160.
    swing : float, optional
        Share of a beat before its second eighth, 0.5 (straight) to 0.75. By default drawn.
    drums : bool, default=True
        Whether there is a drummer.
    surprises : bool, default=True
        Whether anything intrudes.

    Returns
    -------
    session : Session
        ``round(6000 * minutes)`` frames.
    annotations : Annotations

    Raises
    ------
    ValueError
        For arguments outside their range.

    See Also
    --------
    make_sound : The same jam as sound.

    Examples
    --------
    >>> from barkcluster import synthetic
    >>> session, known = synthetic.make_session(0.5, random_state=3)
    >>> session.frames.shape
    (3000, 25)
    >>> known.clean_stop
    12.0
    >>> all(surprise.start > 12.0 for surprise in known.surprises)
    True
    """
    jam = _Jam(minutes, random_state, tempo, swing, drums, surprises)
    analyzer = BarkAnalyzer(SAMPLE_RATE)
    frames = np.concatenate([analyzer.push(block) for block in jam.blocks()])
    return Session(frames, name=jam.name), jam.annotations


def make_sound(minutes: float = 5, *, random_state: RandomState = 0,
               tempo: float | None = None, swing: float | None = None, drums: bool = True,
               surprises: bool = True) -> tuple[Sound, int, Annotations]:
    """Make the jam of `make_session` as sound, to listen to it or to analyze it otherwise.

    Parameters
    ----------
    minutes, random_state, tempo, swing, drums, surprises
        As for `make_session`. Memory grows by 10.6 MB a minute.

    Returns
    -------
    sound : ndarray of float32 of shape (n_samples,)
        Mono, from -0.95 to 0.95. It ends 36 ms after ``minutes``, so that the window of the last
        frame is full.
    sample_rate : int
        44100, in Hz.
    annotations : Annotations

    Raises
    ------
    ValueError
        For arguments outside their range.

    Examples
    --------
    >>> from barkcluster import synthetic
    >>> sound, sample_rate, known = synthetic.make_sound(0.1)
    >>> sound.shape, sample_rate
    ((266207,), 44100)

    ``soundfile.write("jam.wav", sound, sample_rate)`` makes it audible.
    """
    jam = _Jam(minutes, random_state, tempo, swing, drums, surprises)
    sound = np.empty(jam.n_samples, np.float32)
    at = 0
    for block in jam.blocks():
        sound[at:at + len(block)] = block
        at += len(block)
    return sound, SAMPLE_RATE, jam.annotations


class _Jam:
    """A session whose notes are written; `blocks` renders its sound."""

    def __init__(self, minutes: float, random_state: RandomState, tempo: float | None,
                 swing: float | None, drums: bool, surprises: bool) -> None:
        n_frames = _count_frames(minutes)
        _check_between("tempo", tempo, 40.0, 240.0, "beats per minute")
        _check_between("swing", swing, 0.5, 0.75, "of a beat")
        writing, sounding, self._intruding = _generator(random_state).spawn(3)
        seconds = n_frames / FRAME_RATE
        song = write_song(writing, tempo=tempo, swing=swing)
        clean_stop = CLEAN_SHARE * seconds
        section_bars, n_parts = _size_of_form(clean_stop, song.tempo)
        score = perform(writing, song, seconds, section_bars=section_bars, n_parts=n_parts,
                        drums=drums, settled_s=clean_stop)
        placed = _place_surprises(self._intruding, clean_stop, seconds) if surprises else ()
        self._song = song
        self._notes = score.notes
        self._voices = Voices(song, sounding)
        self._room = Room(sounding)
        self.n_samples = (n_frames - 1) * _HOP + _WINDOW
        self.name = f"synthetic {song.tempo:g} bpm {song.key}"
        self.annotations = Annotations(
            tempo=song.tempo, key=song.key, instruments=song.instruments, beats=score.beats,
            sections=tuple(score.sections),
            riffs=tuple(riff for riff in score.riffs
                        if not any(riff.start < surprise.stop and surprise.start < riff.stop
                                   for surprise in placed)),
            surprises=placed, clean_stop=clean_stop)

    def blocks(self) -> Iterator[Sound]:
        """The recorded sound, block by block."""
        waiting = list(self.annotations.surprises)
        sounding: list[_Sounding] = []
        power, first = 0.0, 0
        for block in band_blocks(self._notes, self._voices, self.n_samples):
            after = first + len(block)
            heard = float(np.mean(block * block))
            # The band's usual level, for intrusions to have: they are to be strange, not louder.
            power = 0.8 * power + 0.2 * heard if first else heard
            while waiting and waiting[0].start * SAMPLE_RATE < after:
                sounding.append(self._intrude(waiting.pop(0), power))
            for intrusion in sounding:
                intrusion.mix_into(block, first)
            sounding = [intrusion for intrusion in sounding if intrusion.stop > after]
            first = after
            yield self._room.record(block)

    def _intrude(self, surprise: Surprise, band_power: float) -> _Sounding:
        intrusion = INTRUSIONS[surprise.kind]
        first, after = (bisect.bisect_left(self._notes, time, key=lambda note: note.start)
                        for time in (surprise.start, surprise.stop))
        meanwhile = [note._replace(start=note.start - surprise.start)
                     for note in self._notes[first:after]]
        sound = intrusion.render(self._intruding, Moment(
            surprise.stop - surprise.start, self._song, meanwhile, self._voices))
        own_power = float(np.mean(sound * sound))
        if own_power > 0:
            sound *= np.float32(intrusion.level * np.sqrt(band_power / own_power))
        return _Sounding(sound, round(surprise.start * SAMPLE_RATE), intrusion.band_gain)


class _Sounding:
    """An intrusion's sound in its place. It fades in and out within `_FADE_S`."""

    def __init__(self, sound: Sound, start: int, band_gain: float) -> None:
        n = len(sound)
        ramp = np.arange(n, dtype=np.float32) / np.float32(_FADE_S * SAMPLE_RATE)
        fade = np.minimum(1.0, np.minimum(ramp, ramp[::-1]))
        self._sound = sound * fade
        self._band_gain = 1.0 - (1.0 - band_gain) * fade
        self._start = start
        self.stop = start + n

    def mix_into(self, block: Sound, first: int) -> None:
        """Add the part that lies in `block`, which begins at sample `first`, and duck the band."""
        begin, end = max(self._start, first), min(self.stop, first + len(block))
        here, there = slice(begin - first, end - first), slice(begin - self._start,
                                                               end - self._start)
        block[here] *= self._band_gain[there]
        block[here] += self._sound[there]


def _count_frames(minutes: float) -> int:
    number = check_positive("minutes", minutes)
    if number < SHORTEST_MINUTES:
        raise ValueError(f"minutes must be at least {SHORTEST_MINUTES} (3 s); got {minutes}. "
                         "In minutes, not seconds or hours?")
    return round(60 * FRAME_RATE * number)


def _check_between(name: str, value: float | None, low: float, high: float, unit: str) -> None:
    if value is not None and not low <= check_positive(name, value) <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g} {unit}; got {value}.")


def _generator(random_state: RandomState) -> np.random.Generator:
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise ValueError("random_state must be None, an int of 0 or more, or a numpy Generator; "
                         f"got {random_state!r}.") from error


def _size_of_form(clean_s: float, tempo: float) -> tuple[int, int]:
    """Bars of a section, and number of kinds of section, that fit into the clean beginning.

    All kinds occur there, twice if there is time, so that after it only surprises are new.
    """
    clean_bars = clean_s * tempo / 60 / BEATS_PER_BAR
    most = 3 + (clean_s > 240) + (clean_s > 720)
    for bars, parts, rounds in ((8, most, 2), (4, most, 2), (4, 3, 1), (4, 2, 1), (2, 2, 1)):
        if rounds * 2 * (parts - 1) * bars <= clean_bars:
            return bars, parts
    return 2, 1


def _place_surprises(rng: np.random.Generator, first: float,
                     seconds: float) -> tuple[Surprise, ...]:
    """Surprises spread over the time from `first` on; each kind occurs before any occurs twice."""
    room = seconds - first
    if room < 1.5 * _SHORTEST_SURPRISE_S:
        return ()
    n = max(1, round(room / _SECONDS_PER_SURPRISE))
    slot = room / n
    placed = []
    kinds: list[str] = []
    for i in range(n):
        kinds = kinds or [str(kind) for kind in rng.permutation(list(INTRUSIONS))]
        longest = max(_SHORTEST_SURPRISE_S, min(8.0, 0.45 * slot))
        length = float(rng.uniform(_SHORTEST_SURPRISE_S, longest))
        gap = 0.2 * (slot - length)
        start = first + i * slot + float(rng.uniform(gap, slot - length - gap))
        placed.append(Surprise(kinds.pop(), round(start, 2), round(start + length, 2)))
    return tuple(placed)
