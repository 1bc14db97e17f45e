"""A session: frames of one recording, checked, and read-only from then on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from barkcluster._validation import (
    check_non_negative,
    check_not_masked,
    check_positive,
    check_positive_int,
)

FloatArray = npt.NDArray[np.float32] | npt.NDArray[np.float64]

N_BANDS = 25
FLOOR_DB = -100.0
# No sound is louder in any program's scale: samples of 16 bits that nobody scaled have powers of
# 90 dB. One frame beyond it, a damaged packet, would outweigh minutes of music in what is learned.
LARGEST_DB = 100.0
LEVELS_IN_WORDS = f"finite levels in dB, at most {LARGEST_DB:g}"
# Frame rates that differ by less are one: clocks of two machines do, two analyses differ by more.
RATE_TOLERANCE = 0.005


@dataclass(frozen=True, eq=False, repr=False)
class Session:
    """Frames of one recording, checked, and read-only from then on.

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
        What to call the session in tables and plots.
    n_bands : int, default=25
        Numbers in a frame.

    Raises
    ------
    ValueError
        If ``frames`` has another shape, or holds nan or ``+inf``.

    Examples
    --------
    >>> session = Session(np.full((300, 25), -40.0), name="jam")
    >>> session
    <Session 'jam': 300 frames, 3 s at 100 Hz>
    >>> len(session), session.duration
    (300, 3.0)
    >>> np.asarray(session).shape
    (300, 25)
    """

    frames: FloatArray
    frame_rate: float = 100.0
    name: str = ""
    n_bands: int = field(default=N_BANDS, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_bands", check_positive_int("n_bands", self.n_bands))
        object.__setattr__(self, "frame_rate", check_positive("frame_rate", self.frame_rate))
        clean = check_frames(self.frames, self.n_bands)
        # A view would still change with the caller's array.
        own = clean.copy(order="C")
        own.flags.writeable = False
        object.__setattr__(self, "frames", own)

    def __len__(self) -> int:
        return len(self.frames)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None,
                  ) -> npt.NDArray[np.generic]:
        return np.array(self.frames, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return (f"<Session {self.name!r}: {len(self)} frames, {self.duration:.6g} s "
                f"at {self.frame_rate:.6g} Hz>")

    @property
    def duration(self) -> float:
        """Length in seconds, ``len(session) / frame_rate``."""
        return len(self) / self.frame_rate

    def between(self, start_s: float, stop_s: float) -> Session:
        """Return the part from ``start_s`` up to, not including, ``stop_s``.

        Parameters
        ----------
        start_s, stop_s : float
            Seconds from the beginning, rounded to frames. A ``stop_s`` beyond the
            end means the end, as in slices.

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
        if stop_s == np.inf:
            stop = len(self)
        else:
            stop = round(check_non_negative("stop_s", stop_s) * self.frame_rate)
        if stop < start:
            raise ValueError(f"stop_s must not be before start_s={start_s}; got {stop_s}.")
        return Session(self.frames[start:stop], self.frame_rate, self.name,
                       n_bands=self.n_bands)


def check_frames(frames: npt.ArrayLike | Session, n_bands: int = N_BANDS, *,
                 name: str = "frames") -> FloatArray:
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
        with np.errstate(invalid="ignore"):  # a signalling nan, which is refused below
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
