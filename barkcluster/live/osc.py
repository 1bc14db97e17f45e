"""Open Sound Control: parsing and building of packets.

Messages are parsed and built by python-osc. Packets are taken apart here: its own loop over a
bundle never ends where an element says it is -4 bytes long, nested bundles overflow the stack, and
its servers sleep until the date on a bundle. Dates are ignored: TouchDesigner's lie in the future.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from barkcluster._extras import missing_extra

from .messages import Message, NotUnderstoodError, Value

if TYPE_CHECKING:
    from pythonosc.osc_message import OscMessage

_BUNDLE = b"#bundle\x00"
_DEEPEST = 4
_MOST_MESSAGES = 1000
# Values in all messages of a packet: a limit to what a stranger's packet costs to read.
_MOST_VALUES = 5000
# Brackets enclose arrays within a message; they are ignored, as a frame is its numbers in order.
_KNOWN_TYPES = frozenset(b"ifdhsTF[]")


def parse_packet(packet: bytes) -> list[Message]:
    """The messages in a packet, in order.

    Parameters
    ----------
    packet : bytes
        A datagram: a message, or a bundle of messages and bundles.

    Returns
    -------
    messages : list of Message
        Values are int, float, bool as a float, or str. An address without a slash in front, as
        Max sends, is fine.

    Raises
    ------
    NotUnderstoodError
        If any of it is not in order, or of a type that no frame and no command has.
    """
    message_class = _message_class()
    messages: list[Message] = []
    n_values = 0
    for part in _parts(packet, 0):
        if len(messages) == _MOST_MESSAGES:
            raise NotUnderstoodError(f"expected at most {_MOST_MESSAGES} messages in a packet.")
        tags = _tags(part)
        n_values += len(tags)
        if n_values > _MOST_VALUES:
            raise NotUnderstoodError(f"expected at most {_MOST_VALUES} values in a packet.")
        messages.append(_message(part, message_class))
    return messages


def build_message(address: str, values: Sequence[Value]) -> bytes:
    """The packet of a message.

    Parameters
    ----------
    address : str
    values : sequence of float or str

    Returns
    -------
    packet : bytes
    """
    try:
        from pythonosc.osc_message_builder import OscMessageBuilder
    except ImportError as error:
        raise missing_extra("OSC", "python-osc", "live") from error
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value, "s" if isinstance(value, str) else "f")
    return builder.build().dgram


def check_installed() -> None:
    """Raise ImportError, with how to install it, if python-osc is missing."""
    _message_class()


def _message_class() -> type[OscMessage]:
    try:
        from pythonosc.osc_message import OscMessage
    except ImportError as error:
        raise missing_extra("OSC", "python-osc", "live") from error
    return OscMessage


def _parts(packet: bytes, depth: int) -> Iterator[bytes]:
    """Messages of a packet, bundles opened one after another."""
    if not packet.startswith(_BUNDLE):
        yield packet
        return
    if depth >= _DEEPEST:
        raise NotUnderstoodError(f"expected bundles at most {_DEEPEST} deep.")
    at = len(_BUNDLE) + 8  # the date
    if len(packet) < at:
        raise NotUnderstoodError(f"expected a bundle, got {len(packet)} bytes of one.")
    while at < len(packet):
        size = int.from_bytes(packet[at:at + 4], "big", signed=True)
        at += 4
        if not 0 < size <= len(packet) - at:
            raise NotUnderstoodError(f"expected an element of a bundle within its "
                                     f"{len(packet)} bytes, got one of {size}.")
        yield from _parts(packet[at:at + size], depth + 1)
        at += size


def _tags(packet: bytes) -> bytes:
    """The type tags of a message, one letter for each value; no value is read yet."""
    end = packet.find(b"\x00")
    tags_at = (end | 3) + 1
    tags = packet[tags_at:packet.find(b"\x00", tags_at)]
    if end <= 0 or not tags.startswith(b",") or not _KNOWN_TYPES.issuperset(tags[1:]):
        raise NotUnderstoodError("expected an OSC message of numbers and words, got "
                                 f"{packet[:24]!r}.")
    return tags[1:]


def _message(packet: bytes, message_class: type[OscMessage]) -> Message:
    try:
        message = message_class(packet)
        address, values = message.address, _flat(message.params)
    except Exception as error:  # whatever a stranger's bytes make of the parser
        raise NotUnderstoodError(f"expected an OSC message, got {packet[:24]!r} "
                                 f"({type(error).__name__}).") from None
    return Message(address, [value if isinstance(value, str) else float(value)
                             for value in values])


def _flat(values: list[object]) -> list[Value]:
    """Values of arrays within arrays, in order."""
    flat: list[Value] = []
    waiting = [iter(values)]
    while waiting:
        for value in waiting[-1]:
            if isinstance(value, list):
                waiting.append(iter(value))
                break
            assert isinstance(value, (str, float, int))
            flat.append(value)
        else:
            waiting.pop()
    return flat
