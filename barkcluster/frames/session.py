"""A session: the frames of one recording, checked once and read-only afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._clock import clock
from barkcluster._html import WIDTH, card, level_pixels, pixels_at, svg, words_at
from barkcluster._validation import (
    check_non_negative,
    check_not_masked,
    check_positive,
    check_positive_int,
)

Levels: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]

N_BANDS = 25
# No analysis has more; a spectrum would be a mistake, and its model too large to save.
MOST_BANDS = 256
FLOOR_DB = -100.0
# No sound is louder in any program's scale: samples of 16 bits that nobody scaled have powers of
# 90 dB. One frame beyond it, a damaged packet, would outweigh minutes of music in what is learned.
LARGEST_DB = 100.0
LEVELS_IN_WORDS = f"finite levels in dB, at most {LARGEST_DB:g}"
# A band that never exceeds the first, in a range of less than the second, is silent.
_QUIETEST_DB = -90.0
_STILL_DB = 1.0
# Frame rates that differ by less are the same: two machines' clocks do, two analyses do not.
RATE_TOLERANCE = 0.005


class Gap(NamedTuple):
    """Where frames of a session are missing.

    Attributes
    ----------
    row : int
        The first frame after it.
    n_missing : int
        How many frames are missing before that one; 0 if that is not known.
    """

    row: int
    n_missing: int


@dataclass(frozen=True, eq=False, repr=False)
class Session:
    """Frames of one recording, checked once and read-only afterwards.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_bands)
        Bark coefficients in dB, one row a frame. ``-inf`` and values below
        ``FLOOR_DB`` become ``FLOOR_DB``. float32 stays float32, everything else
        becomes float64. The array is copied: what happens to it later does not
        change the session.
    frame_rate : float, default=100.0
        Frames per second.
    name : str, default=""
        Shown in tables and plots.
    n_bands : int, default=25
        Numbers in a frame.
    gaps : sequence of Gap, or of (row, n_missing), default=()
        Where frames are missing: a pause, or frames that got lost. Time goes on in them, and no
        window spans one.
    start : float, default=0.0
        Seconds on the session's own clock at which the first frame begins.

    Raises
    ------
    ValueError
        If ``frames`` has another shape, or holds nan or ``+inf``; or if a gap is not between
        two frames.

    Examples
    --------
    >>> session = Session(np.full((300, 25), -40.0), name="jam")
    >>> session
    <Session 'jam': 300 frames, 3 s at 100 Hz>
    >>> len(session), session.duration
    (300, 3.0)
    >>> np.asarray(session).shape
    (300, 25)

    A pause of a minute after the first two seconds:

    >>> paused = Session(np.full((300, 25), -40.0), name="jam", gaps=[(200, 6000)])
    >>> paused
    <Session 'jam': 300 frames in 2 takes, 3 s at 100 Hz>
    >>> paused.duration, paused.stop, [take.start for take in paused.takes]
    (3.0, 63.0, [0.0, 62.0])
    """

    frames: Levels
    frame_rate: float = 100.0
    name: str = ""
    n_bands: int = field(default=N_BANDS, kw_only=True)
    gaps: Sequence[tuple[int, int]] = field(default=(), kw_only=True)
    start: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_bands", check_positive_int("n_bands", self.n_bands))
        object.__setattr__(self, "frame_rate", check_positive("frame_rate", self.frame_rate))
        clean = check_frames(self.frames, self.n_bands)
        # A view would still change with the caller's array.
        own = clean.copy(order="C")
        own.flags.writeable = False
        object.__setattr__(self, "frames", own)
        object.__setattr__(self, "start", check_non_negative("start", self.start))
        object.__setattr__(self, "gaps", _checked_gaps(self.gaps, len(own)))

    def __len__(self) -> int:
        return len(self.frames)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None,
                  ) -> npt.NDArray[np.generic]:
        return np.array(self.frames, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        takes = f" in {len(self.gaps) + 1} takes" if self.gaps else ""
        return (f"<Session {self.name!r}: {len(self)} frames{takes}, {self.duration:.6g} s "
                f"at {self.frame_rate:.6g} Hz>")

    def _repr_html_(self) -> str:
        """What a notebook shows: the levels over time, low bands below."""
        columns = max(1, min(WIDTH, len(self)))
        at = (self.numbers * columns // max(1, round(self.span * self.frame_rate))).clip(
            0, columns - 1)
        counts = np.bincount(at, minlength=columns)
        with np.errstate(invalid="ignore"):
            levels = np.stack([np.bincount(at, band, columns) / counts
                               for band in self.frames.T.astype(np.float64)], axis=1)
        facts = [("length", clock(self.duration, 1)), ("frames", f"{len(self)}"),
                 ("a second", f"{self.frame_rate:g}"), ("bands", f"{self.n_bands}")]
        if self.gaps:
            facts.append(("takes", f"{len(self.gaps) + 1}"))
        drawing = svg(
            115, pixels_at(level_pixels(levels), 0, 0, WIDTH, 96),
            words_at(0, 110, clock(self.start)),
            words_at(WIDTH, 110, clock(self.stop), "end"),
            label="levels over time") if len(self) else ""
        return card(f"Session {self.name}".rstrip(), facts, drawing)

    @property
    def duration(self) -> float:
        """Seconds of sound, ``len(session) / frame_rate``, without what is missing."""
        return len(self) / self.frame_rate

    @property
    def stop(self) -> float:
        """Seconds on the session's own clock at its end: ``start``, the sound and the gaps."""
        missing = sum(n_missing for _, n_missing in self.gaps)
        return self.start + (len(self) + missing) / self.frame_rate

    @property
    def span(self) -> float:
        """Seconds from the beginning to the end, with what is missing."""
        return self.stop - self.start

    def elapsed(self, sound_s: float) -> float:
        """Seconds from the beginning, gaps included, until that much sound was heard.

        Examples
        --------
        >>> Session(np.zeros((300, 25)), gaps=[(200, 6000)]).elapsed(2.5)
        62.5
        """
        heard = sound_s * self.frame_rate + 1e-9
        return sound_s + sum(n for row, n in self.gaps if row <= heard) / self.frame_rate

    @property
    def bands_end(self) -> int:
        """Number of bands up to the highest one that is ever more than silent.

        A band at the floor from beginning to end is one that the recording does not reach: its
        sample rate was too low, or a codec left it out. All of them where nothing is heard.

        Examples
        --------
        >>> frames = np.random.default_rng(0).normal(-40, 6, size=(300, 25))
        >>> frames[:, 22:] = FLOOR_DB                   # as of sound at 16 kHz
        >>> Session(frames).bands_end
        22
        """
        return bands_end(self.frames)

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Frame numbers, shape (n_frames,), from 0; they skip where frames are missing."""
        missing = np.zeros(len(self), dtype=np.int64)
        for row, n_missing in self.gaps:
            missing[row] = n_missing
        return np.arange(len(self)) + np.cumsum(missing)

    @property
    def takes(self) -> list[Session]:
        """The stretches between gaps, each a session on the same clock.

        Examples
        --------
        >>> session = Session(np.zeros((300, 25)), gaps=[(100, 50), (250, 0)])
        >>> [(take.start, take.duration) for take in session.takes]
        [(0.0, 1.0), (1.5, 1.5), (3.0, 0.5)]
        """
        if not self.gaps:
            return [self]
        edges = [0, *(row for row, _ in self.gaps), len(self)]
        numbers = self.numbers
        return [Session(self.frames[a:b], self.frame_rate, self.name, n_bands=self.n_bands,
                        start=self.start + int(numbers[a]) / self.frame_rate)
                for a, b in zip(edges[:-1], edges[1:], strict=True)]

    def between(self, start_s: float, stop_s: float, *, keep_clock: bool = False) -> Session:
        """The part from ``start_s`` up to, not including, ``stop_s``.

        Parameters
        ----------
        start_s, stop_s : float
            Seconds from the beginning, gaps included, rounded to frames. A ``stop_s`` beyond
            the end means the end, as in slices.
        keep_clock : bool, default=False
            Whether the clock of the part is the session's; else it counts from ``start_s``.

        Returns
        -------
        part : Session
            Same name and frame rate.

        Examples
        --------
        >>> Session(np.zeros((300, 25))).between(0.5, 2.0).duration
        1.5
        """
        start = round(check_non_negative("start_s", start_s) * self.frame_rate)
        numbers = self.numbers
        end = int(numbers[-1]) + 1 if len(numbers) else 0
        stop = end if stop_s == np.inf else round(
            check_non_negative("stop_s", stop_s) * self.frame_rate)
        if stop < start:
            raise ValueError(f"stop_s must not be before start_s={start_s}; got {stop_s}.")
        first, last = np.searchsorted(numbers, [start, stop]).tolist()
        lead = (int(numbers[first]) - start) / self.frame_rate if first < last else 0.0
        if keep_clock:
            lead += self.start + start / self.frame_rate
        return Session(
            self.frames[first:last], self.frame_rate, self.name, n_bands=self.n_bands, start=lead,
            gaps=[(row - first, n) for row, n in self.gaps if first < row < last])


def _checked_gaps(gaps: Sequence[tuple[int, int]], n_frames: int) -> tuple[Gap, ...]:
    """Gaps in order, or ValueError."""
    checked = tuple(Gap(int(row), int(n_missing)) for row, n_missing in gaps)
    rows = [0, *(gap.row for gap in checked), n_frames]
    if any(a >= b for a, b in pairwise(rows) if checked) or any(
            gap.n_missing < 0 for gap in checked):
        raise ValueError(f"gaps must be (row, n_missing) in order, each between two of the "
                         f"{n_frames} frames; got {gaps!r:.80}.")
    return checked


def bands_end(frames: npt.NDArray[np.floating]) -> int:
    """`Session.bands_end` of checked frames."""
    if not len(frames):
        return frames.shape[1]
    most, least = frames.max(axis=0), frames.min(axis=0)
    # Programs count silence from other numbers, but it is the same number all along.
    holds = (most > _QUIETEST_DB) | (most - least > _STILL_DB)
    return int(np.flatnonzero(holds)[-1]) + 1 if holds.any() else frames.shape[1]


# What may be given where frames are wanted.
Frames: TypeAlias = npt.ArrayLike | Session


def same_rate(one: float, other: float) -> bool:
    """Whether two frame rates are the same, but for the tolerance of two clocks.

    Examples
    --------
    >>> same_rate(100.0, 100.4), same_rate(100.0, 101.0)
    (True, False)
    """
    # And a little of rounding, so that the order of the two never matters.
    return max(one, other) <= (1.0 + RATE_TOLERANCE + 1e-9) * min(one, other)


def check_rate(name: str, frame_rate: float, expected: float, why: str) -> None:
    """Raise ValueError unless frames come at the rate that is expected.

    Parameters
    ----------
    name : str
        What to call them in the error.
    frame_rate, expected : float
        Frames per second.
    why : str
        Where the expectation comes from, such as "as in the fit".
    """
    if not same_rate(check_positive("frame_rate", frame_rate), expected):
        what = "" if name == "frames" else "frames "
        raise ValueError(f"{name} must come at {expected:g} {what}a second, {why}; "
                         f"got {frame_rate:g}.")


def common_rate(name: str, rates: Iterable[float]) -> float | None:
    """The frame rate that all takes share, None without takes; ValueError if they differ.

    Examples
    --------
    >>> common_rate("takes", [100.0, 100.1])
    100.0
    >>> common_rate("takes", [100.0, 50.0])
    Traceback (most recent call last):
        ...
    ValueError: takes must have one frame rate; got 50, 100 frames a second.
    """
    found = list(rates)
    if found and not same_rate(min(found), max(found)):
        listed = ", ".join(f"{rate:g}" for rate in sorted(set(found)))
        raise ValueError(f"{name} must have one frame rate; got {listed} frames a second.")
    return found[0] if found else None


def check_frames(frames: npt.ArrayLike | Session, n_bands: int = N_BANDS, *,
                 name: str = "frames") -> Levels:
    """Frames as a float array in which every number is finite and at or above the floor.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_bands) or Session
        Levels in dB. Never changed.
    n_bands : int, default=25
        Numbers expected in a frame.
    name : str, default="frames"
        What to call the argument in error messages.

    Returns
    -------
    checked : ndarray of shape (n_frames, n_bands)
        float32 if ``frames`` is float32, else float64; ``-inf`` and values below
        ``FLOOR_DB`` replaced by ``FLOOR_DB``. May be ``frames`` itself if there was
        nothing to replace. No frames at all, shape ``(0, n_bands)``, is fine.

    Raises
    ------
    ValueError
        For another shape, for what is not a real number, for nan and numbers above
        ``LARGEST_DB``, and for arrays of which something is masked.

    Examples
    --------
    >>> check_frames([[-np.inf, -250.0, -40.0]], n_bands=3)
    array([[-100., -100.,  -40.]])
    >>> check_frames(np.zeros((25, 300)))
    Traceback (most recent call last):
        ...
    ValueError: frames must have shape (n, 25); got (25, 300). Transpose it?
    """
    if isinstance(frames, Session):
        frames = frames.frames
    check_not_masked(name, frames)
    try:
        array = np.asarray(frames)
    except ValueError as error:
        raise ValueError(f"{name} must have shape (n, {n_bands}); got rows of different "
                         "lengths.") from error
    if array.ndim != 2 or array.shape[1] != n_bands:
        hint = ""
        if array.ndim == 2 and array.shape[0] == n_bands:
            hint = " Transpose it?"
        elif array.shape == (n_bands,):
            hint = f" One frame alone is an array of shape (1, {n_bands})."
        raise ValueError(f"{name} must have shape (n, {n_bands}); got {array.shape}.{hint}")
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold real numbers; got dtype {array.dtype}.")
    if array.dtype != np.float32:
        with np.errstate(invalid="ignore"):  # a signaling nan, which is refused below
            array = array.astype(np.float64, copy=False)
    if not array.size:
        return array
    if not array.max() <= LARGEST_DB:  # also when it is nan
        row, band = np.argwhere(~(array <= LARGEST_DB))[0]
        raise ValueError(f"{name} must hold {LEVELS_IN_WORDS} (-inf is taken as {FLOOR_DB:g}); "
                         f"got {array[row, band]:g} in row {row}, band {band}.")
    if array.min() < FLOOR_DB:
        array = np.maximum(array, array.dtype.type(FLOOR_DB))
    return array
