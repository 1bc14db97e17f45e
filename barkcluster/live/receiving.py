"""One thread that reads sockets and growing files as soon as there are bytes.

It does nothing else: the kernel holds 200 kB of datagrams, a few hundred frames, and drops the
rest. A burst is handed over in one piece once it is over, so that no other thread competes with
this one for the interpreter meanwhile.
"""

from __future__ import annotations

import errno
import os
import queue
import selectors
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from .addresses import NETWORK, Address
from .connections import Connection, Connections
from .growing_file import GrowingFile

_DATAGRAM_BYTES = 1 << 16
_KERNEL_BYTES = 1 << 22  # asked for; systems give what they allow
_FILE_POLL_S = 0.02
_IDLE_S = 0.2
# A batch of more packets waits for the next millisecond to bring more, up to this time in all.
_BURST = 16
_BURST_POLL_S = 0.001
_LONGEST_BURST_S = 0.05
# A file may hold an hour already: no more of it is read until these batches are heard.
_MOST_BATCHES_OF_FILES = 4
# Bytes that may wait to be heard; beyond that the system keeps the rest, and loses datagrams.
_MOST_WAITING_BYTES = 1 << 24
_BYTES_BESIDE = 500  # that a datagram takes in memory beside its own
_FULL_S = 0.01
# Bytes taken from one socket at once, so that others get their turn.
_MOST_AT_ONCE_BYTES = 1 << 21


class Received(NamedTuple):
    """Bytes from one client.

    Attributes
    ----------
    place : int
        Index of the address it came to.
    client : int
        Number of the connection, or of the file until it is replaced, whose bytes continue one
        another; 0 for datagrams.
    data : bytes
        Empty when the client is gone.
    time : float
        When, by ``time.monotonic``.
    refused : str
        Why a client was sent away; empty for those who were not.
    """

    place: int
    client: int
    data: bytes
    time: float
    refused: str = ""


class Receiver:
    """Receives bytes at some addresses, in batches.

    Parameters
    ----------
    places : sequence of Address
        Where to listen, each place once. Sockets are opened at once.

    Attributes
    ----------
    batches : SimpleQueue of list of Received
        What came, to be taken by another thread. An empty list when all places have ended, as
        standard input does.

    Raises
    ------
    OSError
        If a port is taken, or not to be had.
    """

    def __init__(self, places: Sequence[Address]) -> None:
        self.batches: queue.SimpleQueue[list[Received]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._files: list[tuple[int, GrowingFile]] = []
        self._client = 0
        self._file_client: dict[int, int] = {}
        self._connections = Connections(self._selector)
        self._closing = False
        self._counting = threading.Lock()
        self._n_waiting_bytes = 0
        self._threads: list[threading.Thread] = []
        self._stdin = next((i for i, p in enumerate(places) if p.kind == "-"), None)
        self._going_on = set(range(len(places)))
        try:
            for i, place in enumerate(places):
                if place.kind in NETWORK:
                    self._open(i, place)
                elif place.kind == "-" and sys.stdin is None:
                    raise OSError(errno.EBADF, "it is closed", "standard input")
                elif place.kind == "file":
                    self._files.append((i, GrowingFile(place.path)))
                    self._file_client[i] = 0
        except OSError:
            self.close()
            raise

    def start(self) -> None:
        """Begin to receive, if that has not begun."""
        if self._threads:
            return
        if self._files or self._selector.get_map():
            self._run(self._receive, "receiving")
        if self._stdin is not None:
            self._run(self._read_stdin, "standard input")

    def put(self, batch: list[Received]) -> None:
        """Hand over a batch; from any thread."""
        with self._counting:
            self._n_waiting_bytes += _cost(batch)
        self.batches.put(batch)

    def end(self, place: int) -> None:
        """Nothing more comes from a place; from any thread."""
        with self._counting:
            self._going_on.discard(place)
            all_ended = not self._going_on
        if all_ended:
            self.put([])

    def take(self, timeout: float) -> list[Received] | None:
        """The next batch, or None if none comes within some seconds."""
        try:
            batch = self.batches.get(timeout=timeout)
        except queue.Empty:
            return None
        with self._counting:
            self._n_waiting_bytes -= _cost(batch)
        return batch

    def close(self) -> None:
        """Stop receiving and close everything."""
        if self._closing:
            return
        self._closing = True
        for thread in self._threads:
            if thread.name == "receiving":
                thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        for _, file in self._files:
            file.close()

    def _run(self, work: object, name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _open(self, i: int, place: Address) -> None:
        stream = place.kind == "fudi-tcp"
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        try:
            if stream:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                with suppress(OSError):
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
            opened.setblocking(False)
            opened.bind((place.host, place.port))
            if stream:
                opened.listen()
        except OSError as error:
            opened.close()
            raise OSError(error.errno, error.strerror, str(place)) from None
        self._selector.register(opened, selectors.EVENT_READ, (i, stream))

    def _receive(self) -> None:
        timeout = _FILE_POLL_S if self._files else _IDLE_S
        while not self._closing:
            batch: list[Received] = []
            if self._wait_while_full():
                continue
            self._take(timeout, batch)
            begun, before = time.monotonic(), 0
            while (len(batch) - before > _BURST and _cost(batch) < _MOST_AT_ONCE_BYTES
                   and time.monotonic() - begun < _LONGEST_BURST_S):
                before = len(batch)
                self._take(_BURST_POLL_S, batch)
            if self.batches.qsize() < _MOST_BATCHES_OF_FILES:
                for i, file in self._files:
                    self._read_file(i, file, batch)
            now = time.monotonic()
            batch += [_gone(one, now) for one in self._connections.let_silent_go(now)]
            if batch:
                self.put(batch)

    def _wait_while_full(self) -> bool:
        """Sleep a little if too much waits to be heard already; True if so."""
        if self._n_waiting_bytes < _MOST_WAITING_BYTES:
            return False
        time.sleep(_FULL_S)
        return True

    def _take(self, timeout: float, batch: list[Received]) -> None:
        if not self._selector.get_map():  # files alone; Windows cannot wait for no socket
            time.sleep(timeout)
            return
        for key, _ in self._selector.select(timeout):
            opened: socket.socket = key.fileobj  # type: ignore[assignment]
            if isinstance(key.data, Connection):
                self._take_stream(key.data, batch)
                continue
            i, listens = key.data
            if listens:
                now = time.monotonic()
                self._client += 1
                batch += [_gone(one, now)
                          for one in self._connections.accept(opened, i, self._client, now)]
            else:
                self._take_datagrams(i, opened, batch)

    def _take_datagrams(self, i: int, opened: socket.socket, batch: list[Received]) -> None:
        n_bytes = 0
        while n_bytes < _MOST_AT_ONCE_BYTES:
            n_bytes += _BYTES_BESIDE
            try:
                data = opened.recv(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:  # Windows tells here that an answer found nobody
                continue
            n_bytes += len(data)
            batch.append(Received(i, 0, data, time.monotonic()))

    def _take_stream(self, connection: Connection, batch: list[Received]) -> None:
        if connection.opened.fileno() < 0:  # had to go for another, a moment ago
            return
        now = time.monotonic()
        try:
            data = self._connections.read(connection, now)
        except ValueError as error:
            batch.append(_gone(connection, now)._replace(refused=str(error)))
            return
        if data is not None:
            batch.append(Received(connection.place, connection.number, data, now))

    def _read_file(self, i: int, file: GrowingFile, batch: list[Received]) -> None:
        data, anew = file.read()
        now = time.monotonic()
        if anew:
            batch.append(Received(i, self._file_client[i], b"", now))
            self._client += 1
            self._file_client[i] = self._client
        if data:
            batch.append(Received(i, self._file_client[i], data, now))

    def _read_stdin(self) -> None:
        assert self._stdin is not None
        while not self._closing:
            if self._wait_while_full():
                continue
            data = b""
            with suppress(OSError):  # a terminal that went away
                data = os.read(sys.stdin.fileno(), _DATAGRAM_BYTES)
            if not data:
                break
            self.put([Received(self._stdin, 0, data, time.monotonic())])
        self.end(self._stdin)


def _gone(connection: Connection, now: float) -> Received:
    return Received(connection.place, connection.number, b"", now)


def _cost(batch: list[Received]) -> int:
    return sum(len(received.data) + _BYTES_BESIDE for received in batch)
