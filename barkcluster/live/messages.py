"""What bytes from other programs turn out to be: frames and commands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from barkcluster.frames.session import N_BANDS

# What may be told to a player; the second says what one word behind it is.
COMMANDS = {"retrain": "", "reset": "", "save": "file name", "load": "file name",
            "pause": "0 or 1"}

Value: TypeAlias = float | str


class Frame(NamedTuple):
    """Levels as they came, not checked but for their number."""

    path: str
    levels: list[float]


class Command(NamedTuple):
    """A word of `COMMANDS`, with what followed it; for one player or, path "", for all."""

    path: str
    word: str
    argument: str


class Message(NamedTuple):
    """An address and what came with it: an OSC message, or one of Pd."""

    address: str
    values: Sequence[Value]


class NotUnderstoodError(Exception):
    """Bytes that are no frame and no command; the text says what was expected and came."""


def frames_and_commands(messages: Sequence[Message], n_bands: int = N_BANDS
                        ) -> list[Frame | Command]:
    """Frames and commands in the messages of one packet.

    A frame is a message of ``n_bands`` numbers; or, as TouchDesigner sends channels and Max the
    outlets of an object, ``n_bands`` messages of one number each in one packet: in the order of
    the numbers that their addresses end in, if all do, else in the order they came.

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
    [Frame(path='/bark', levels=[-40.0, -50.0]), Command(path='', word='pause', argument='1')]
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
                                     f"{address[:60]!r}.")
    if single:
        arrivals.append(_joined(single, n_bands))
    return arrivals


def _command(address: str, values: Sequence[Value]) -> Command | None:
    path, _, word = address.rpartition("/")
    if word not in COMMANDS:
        return None
    if len(values) > 1 or (COMMANDS[word] == "file name" and not values):
        raise NotUnderstoodError(f"expected {word} with {COMMANDS[word] or 'nothing'}, got "
                                 f"{len(values)} words behind it.")
    argument = values[0] if values else ""
    return Command(path, word, argument if isinstance(argument, str) else f"{argument:g}")


def _joined(single: list[tuple[str, float]], n_bands: int) -> Frame:
    if len(single) != n_bands:
        raise NotUnderstoodError(f"expected {n_bands} messages of one number in a packet, got "
                                 f"{len(single)}.")
    split = [re.fullmatch(r"(.*?)([0-9]{1,6})", address) for address, _ in single]
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
