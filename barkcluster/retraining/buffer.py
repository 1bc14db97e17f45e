"""The frames of a live session so far, in bounded memory.

Frames are kept in blocks that never change once they are full. So learning in the background
shares them with the stream, and no minutes of sound are copied between two frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barkcluster._spread import nested_place
from barkcluster._typing import Float32Array
from barkcluster._validation import check_choice, check_positive_int

KEEP = ("newest", "thinned")


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """A block of consecutive frames that are kept or dropped together.

    Attributes
    ----------
    number : int
        How many blocks were filled before it, since the beginning or the last `clear`.
    take : int
        Number of its take: blocks of one take are consecutive where their numbers are.
    rows : ndarray of shape (n_frames, n_bands), float32
        Levels in dB. They never change.
    """

    number: int
    take: int
    rows: Float32Array


class SessionBuffer:
    """Keeps the newest frames heard, or blocks from all of the session.

    Parameters
    ----------
    n_bands : int
        Numbers in a frame.
    most_frames : int
        Frames kept at most, but for the block that is being filled; two blocks at least.
    block_frames : int
        Frames that stay or go together; fewer where a take ends.
    keep : {"newest", "thinned"}, default="newest"
        What stays once there are too many: the newest blocks, or half of them, then a quarter
        and so on, from the beginning to now. They are not every second one, which would be the
        verses alone where verse and chorus are as long as a block.

    Attributes
    ----------
    n_frames : int
        Frames kept.

    Examples
    --------
    >>> buffer = SessionBuffer(1, most_frames=4, block_frames=2)
    >>> for level in range(7):
    ...     buffer.append(np.array([float(level)]))
    >>> [take.ravel() for take in buffer.takes()]
    [array([2., 3., 4., 5., 6.], dtype=float32)]
    """

    def __init__(self, n_bands: int, *, most_frames: int, block_frames: int,
                 keep: str = "newest") -> None:
        self.n_bands = n_bands
        self.block_frames = check_positive_int("block_frames", block_frames)
        self.most_frames = max(2 * block_frames, check_positive_int("most_frames", most_frames))
        self.keep = check_choice("keep", keep, KEEP)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.n_frames = 0
        self._blocks: list[Segment] = []
        self._kept = 1.0  # of all blocks
        self._number = 0
        self._take = 0
        self._filling = np.empty((self.block_frames, self.n_bands), np.float32)
        self._filled = 0

    def append(self, row: npt.NDArray[np.floating]) -> None:
        """Add one frame."""
        self._filling[self._filled] = row
        self._filled += 1
        self.n_frames += 1
        if self._filled == self.block_frames:
            self._close_block()

    def end_take(self) -> None:
        """End the take: the next frame does not follow the last one."""
        if self._filled:
            self._close_block()
        self._take += 1

    def takes(self) -> list[Float32Array]:
        """The frames kept, one array for each take.

        This copies all of them; `blocks` and `takes_of` share the memory instead.
        """
        return [np.concatenate(pieces) for pieces in takes_of(self.blocks())]

    def blocks(self) -> list[Segment]:
        """The blocks, for `takes_of`. Only the one that is being filled is copied."""
        last = Segment(self._number, self._take, self._filling[:self._filled].copy())
        return [*self._blocks, last]

    def _close_block(self) -> None:
        if self._filled < self.block_frames:
            rows = self._filling[:self._filled].copy()
        else:
            rows = self._filling
            self._filling = np.empty((self.block_frames, self.n_bands), np.float32)
        self._filled = 0
        number, self._number = self._number, self._number + 1
        if self.keep == "thinned" and nested_place(number) >= self._kept:
            self.n_frames -= len(rows)
            return
        self._blocks.append(Segment(number, self._take, rows))
        while self.n_frames > self.most_frames:
            if self.keep == "newest":
                self.n_frames -= len(self._blocks.pop(0).rows)
            else:
                self._kept /= 2.0
                self._blocks = [b for b in self._blocks if nested_place(b.number) < self._kept]
                self.n_frames = sum(len(b.rows) for b in self._blocks)


def takes_of(blocks: list[Segment]) -> list[list[Float32Array]]:
    """Takes, each as a list of the consecutive pieces it consists of."""
    runs: list[list[Segment]] = []
    for block in blocks:
        if not len(block.rows):
            continue
        last = runs[-1][-1] if runs else None
        if last is not None and (last.take, last.number + 1) == (block.take, block.number):
            runs[-1].append(block)
        else:
            runs.append([block])
    return [[block.rows for block in run] for run in runs]
