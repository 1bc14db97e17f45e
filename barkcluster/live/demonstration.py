"""The built-in jam as a source: its beginning is learned at once, the rest played in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from barkcluster import synthetic
from barkcluster._clock import clock
from barkcluster.frames.session import Session

from .loop import Watcher
from .player import Player

# Of this, the band alone plays two fifths; the first surprise comes some seconds after.
_MINUTES = 5.0
_KINDS = {
    "instrument": "an instrument that nobody has played",
    "tempo": "another band at another tempo",
    "noise": "noise",
    "crowd": "applause and voices",
    "melody": "an unknown melody",
    "order": "the band's notes shuffled",
}


class Mark(NamedTuple):
    """A stretch of the session with a name.

    Attributes
    ----------
    start, stop : float
        Seconds on the session's clock.
    text : str
    """

    start: float
    stop: float
    text: str


class Demonstration:
    """A synthetic jam with surprises, for which no source is needed.

    Parameters
    ----------
    random_state : int, default=0
        Which jam.

    Attributes
    ----------
    session : Session
        What is to be played: all but the beginning.
    marks : list of Mark
        Where something intrudes that the band never played.
    """

    def __init__(self, random_state: int = 0) -> None:
        jam, known = synthetic.make_session(_MINUTES, random_state=random_state)
        self._beginning = jam.between(0.0, known.clean_stop)
        self.session: Session = jam.between(known.clean_stop, jam.duration)
        self.marks = [Mark(s.start, s.stop, _KINDS.get(s.kind, s.kind)) for s in known.surprises]
        self._waiting = list(self.marks)

    def prepare(self, player: Player, watcher: Watcher | None = None) -> str:
        """Let a player hear and learn the beginning at once; a line about it comes back."""
        for frame in self._beginning.frames:
            player.stream.push(frame)
            if watcher is not None:
                watcher.hear(player, frame.tolist(), None)
        player.stream.retrain()
        player.stream.wait()
        return (f"demo: the first {clock(self._beginning.duration)} of a built-in jam are "
                f"learned; now it is played in time, with {len(self.marks)} surprises")

    def begun(self, player: Player) -> Sequence[str]:
        """Lines about the surprises that began since the last call."""
        now, lines = player.stream.time, []
        while self._waiting and self._waiting[0].start <= now:
            mark = self._waiting.pop(0)
            lines.append(f"{clock(mark.start)} to {clock(mark.stop)}: surprise, {mark.text}")
        return lines
