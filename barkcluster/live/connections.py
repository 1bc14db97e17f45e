"""TCP connections of clients: which are accepted, read and closed.

A web page can make its browser connect to any port of this machine and send whatever the page
wants. That begins as HTTP, or with bytes that no text contains: such a connection is closed before
any of it is read as a message.
"""

from __future__ import annotations

import selectors
import socket
from dataclasses import dataclass

_READ_BYTES = 1 << 16
_MOST = 64
# Up to so many may be silent for ever: a musician's break ends no connection.
_CROWD = 8
_SILENT_S = 60.0
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ",
            b"PATCH ", b"PRI ")
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r")


@dataclass(eq=False)
class Connection:
    """A client that is connected.

    Attributes
    ----------
    place : int
        Index of the address it came to.
    number : int
        Its own, never given twice.
    heard : float
        When it last sent something or, before that, when it came.
    head : bytes or None
        Its first bytes, while they are too few to say what it is; None once it is known.
    """

    opened: socket.socket
    place: int
    number: int
    heard: float
    head: bytes | None = b""


class Connections:
    """All clients that are connected at the moment, at all addresses.

    Parameters
    ----------
    selector : BaseSelector
        Where their sockets are waited for, each with its `Connection`.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._all: list[Connection] = []

    def accept(self, listening: socket.socket, place: int, number: int, now: float
               ) -> list[Connection]:
        """Accept a client; those closed to make room, the longest silent ones, come back."""
        try:
            opened, _ = listening.accept()
        except OSError:  # gone again, or too many files are open
            return []
        opened.setblocking(False)
        gone = []
        if len(self._all) >= _MOST:
            # Who never sent anything goes first.
            gone = [min(self._all, key=lambda one: (one.head is None, one.heard))]
            self.close(gone[0])
        connection = Connection(opened, place, number, now)
        self._all.append(connection)
        self._selector.register(opened, selectors.EVENT_READ, connection)
        return gone

    def read(self, connection: Connection, now: float) -> bytes | None:
        """The bytes a client sent: empty if it is gone, None while its protocol is not known yet.

        Raises
        ------
        ValueError
            If it is a web page or a program that speaks no text. It is let go.
        """
        try:
            data = connection.opened.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:  # it broke off
            data = b""
        if not data:
            self.close(connection)
            return b""
        connection.heard = now
        if connection.head is None:
            return data
        head = connection.head + data
        if begins_no_text(head):
            self.close(connection)
            raise ValueError("expected FUDI, got what a web browser sends: the connection was "
                             "closed.")
        if any(method.startswith(head) for method in _METHODS):
            connection.head = head
            return None
        connection.head = None
        return head

    def let_silent_go(self, now: float) -> list[Connection]:
        """Close clients that were silent for long, if there are many; return those closed."""
        gone: list[Connection] = []
        if len(self._all) > _CROWD:
            gone = [one for one in self._all if now - one.heard > _SILENT_S]
            for one in gone:
                self.close(one)
        return gone

    def close(self, connection: Connection) -> None:
        """End a connection."""
        self._all.remove(connection)
        self._selector.unregister(connection.opened)
        connection.opened.close()


def begins_no_text(head: bytes) -> bool:
    """Whether a client's first bytes are those of HTTP, TLS or another protocol of browsers.

    Examples
    --------
    >>> begins_no_text(b"POST / HTTP/1.1"), begins_no_text(b"bark -40 -50;")
    (True, False)
    """
    return head[0] in _CONTROL or head.startswith(_METHODS)
