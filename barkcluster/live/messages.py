"""Frames and commands, and the messages of other programs they are made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from barkcluster.frames.session import N_BANDS

# What a player may be told to do, and what its argument is.
COMMANDS = {"retrain": "", "reset": "", "save": "file name", "load": "file name",
            "pause": "0 or 1"}

Value: TypeAlias = float | str

# The place of a level, at the end of the address of a message with one number.
_PLACE = re.compile(r"(.*?)([0-9]{1,6})", re.DOTALL)
_ONE_MESSAGE = "Send all of a frame in one message."
# Addresses that parts of frames may come to; a source of frames does not use more.
_MOST_PATHS = 64


class Frame(NamedTuple):
    """Levels as they came; only their number was checked."""

    path: str
    levels: list[float]


class Command(NamedTuple):
    """An instruction to a player: one of `COMMANDS` and its argument.

    Attributes
    ----------
    path : str
        The player that it is for; empty for all.
    name : str
        One of `COMMANDS`.
    argument : str
        Empty if it has none.
    """

    path: str
    name: str
    argument: str


class Missing(NamedTuple):
    """So many frames are missing before the next one, as a comment in a session file says."""

    n_frames: int


Arrival: TypeAlias = Frame | Command | Missing


class Message(NamedTuple):
    """An address and its values: an OSC message, or one of Pd."""

    address: str
    values: Sequence[Value]


class Numbered(NamedTuple):
    """One number of a frame that comes in packets of one number each, such as ``/bark/7``."""

    path: str
    place: int
    level: float


class NotUnderstoodError(Exception):
    """Bytes that are no frame and no command; the text says what was expected and came."""


def frames_and_commands(messages: Sequence[Message], n_bands: int = N_BANDS
                        ) -> list[Frame | Command]:
    """Frames and commands in the messages of one packet.

    A frame is a message of ``n_bands`` numbers; or, as TouchDesigner sends channels and Max the
    outlets of an object, ``n_bands`` messages of one number each in one packet: in the order of
    the numbers that their addresses end in, if all do, else in the order they came. Messages of
    one number beside a whole frame, such as a loudness, are left out.

    Parameters
    ----------
    messages : sequence of Message
    n_bands : int, default=25

    Returns
    -------
    arrivals : list of Frame or Command

    Raises
    ------
    NotUnderstoodError
        If a message is neither. Nothing of the packet counts then: half a frame is none.

    Examples
    --------
    >>> frames_and_commands([Message("/b/2", [-50.0]), Message("/b/1", [-40])], n_bands=2)
    [Frame(path='/b', levels=[-40.0, -50.0])]
    >>> frames_and_commands([Message("/bark", [-40.0, -50.0]), Message("/pause", [1])], n_bands=2)
    [Frame(path='/bark', levels=[-40.0, -50.0]), Command(path='', name='pause', argument='1')]
    """
    arrivals: list[Frame | Command] = []
    single: list[tuple[str, float]] = []
    for address, values in messages:
        command = _command(address, values)
        if command is not None:
            arrivals.append(command)
        elif len(values) == n_bands:
            arrivals.append(Frame(address, _numbers(values)))
        elif len(values) == 1 and len(messages) > 1:
            single.append((address, _numbers(values)[0]))
        else:
            raise NotUnderstoodError(f"expected {n_bands} numbers, got {len(values)} at "
                                     f"{address[:60]!r}."
                                     + (f" {_ONE_MESSAGE}" if len(values) == 1 else ""))
    # Beside a whole frame, other numbers are no part of one.
    if single and (len(single) == n_bands or not any(
            isinstance(arrival, Frame) for arrival in arrivals)):
        arrivals.append(_joined(single, n_bands))
    return arrivals


def numbered(messages: Sequence[Message]) -> Numbered | None:
    """The place and level in a packet of one number, such as ``/bark/7 -40``; else None.

    Examples
    --------
    >>> numbered([Message("/bark/7", [-40.0])])
    Numbered(path='/bark', place=7, level=-40.0)
    """
    if len(messages) != 1 or len(messages[0].values) != 1:
        return None
    (address, (value,)), = messages
    found = _PLACE.fullmatch(address)
    if found is None or isinstance(value, str):
        return None
    return Numbered(found[1].rstrip("/"), int(found[2]), float(value))


class FrameAssembly:
    """Assembles frames from packets of one number each.

    A frame begins with the packet of the smallest place, 0 or 1, and is whole when ``n_bands``
    places in a row have come, in any order. One that lacks some when the next begins is no frame.

    Parameters
    ----------
    n_bands : int, default=25

    Examples
    --------
    >>> assembly = FrameAssembly(n_bands=2)
    >>> assembly.add(Numbered("/bark", 1, -40.0))
    >>> assembly.add(Numbered("/bark", 2, -50.0))
    Frame(path='/bark', levels=[-40.0, -50.0])
    """

    def __init__(self, n_bands: int = N_BANDS) -> None:
        self._n_bands = n_bands
        # By path, the levels of the frame that has begun, and whether places there begin at 0.
        self._levels: dict[str, dict[int, float]] = {}
        self._from_zero: dict[str, bool] = {}

    def add(self, part: Numbered) -> Frame | None:
        """The frame that a part completes.

        Raises
        ------
        NotUnderstoodError
            If the part belongs to no frame, or begins one before the last was whole.
        """
        path, place, level = part
        if path not in self._levels and len(self._levels) >= _MOST_PATHS:
            self._levels.clear()
            self._from_zero.clear()
        begun = self._levels.setdefault(path, {})
        from_zero = self._from_zero.setdefault(path, False) or place == 0
        self._from_zero[path] = from_zero
        if place == (0 if from_zero else 1):
            self._levels[path] = {place: level}
            if begun:
                raise NotUnderstoodError(
                    f"expected {self._n_bands} packets of one number each, got {len(begun)} at "
                    f"{path[:60]!r} before the next frame began. {_ONE_MESSAGE}")
            return None
        if not begun or place in begun or place > self._n_bands - from_zero:
            begun.clear()
            if place == self._n_bands:  # the sender may count from 1 by now
                self._from_zero[path] = False
            raise NotUnderstoodError(
                f"expected {self._n_bands} numbers, got one at {f'{path[:60]}/{place}'!r} that "
                f"is no part of a frame. {_ONE_MESSAGE}")
        begun[place] = level
        if len(begun) < self._n_bands:
            return None
        self._levels[path] = {}
        return Frame(path, [begun[i] for i in sorted(begun)])


def _command(address: str, values: Sequence[Value]) -> Command | None:
    path, _, name = address.rpartition("/")
    if name not in COMMANDS:
        return None
    if len(values) > 1 or (COMMANDS[name] == "file name" and not values):
        raise NotUnderstoodError(f"expected {name} with {COMMANDS[name] or 'nothing'}, got "
                                 f"{len(values)} words behind it.")
    argument = values[0] if values else ""
    return Command(path, name, argument if isinstance(argument, str) else f"{argument:g}")


def _joined(single: list[tuple[str, float]], n_bands: int) -> Frame:
    if len(single) != n_bands:
        raise NotUnderstoodError(f"expected {n_bands} messages of one number in a packet, got "
                                 f"{len(single)}.")
    split = [_PLACE.fullmatch(address) for address, _ in single]
    places = [int(found[2]) for found in split if found is not None]
    if len(set(places)) == n_bands:
        single = [value for _, value in sorted(zip(places, single, strict=True))]
    paths = {found[1] if found is not None else address
             for found, (address, _) in zip(split, single, strict=True)}
    path = paths.pop() if len(paths) == 1 else ""
    return Frame(path.rstrip("/"), [level for _, level in single])


def _numbers(values: Sequence[Value]) -> list[float]:
    for value in values:
        if isinstance(value, str):
            raise NotUnderstoodError(f"expected numbers, got the word {value[:40]!r}.")
    return [float(value) for value in values]
