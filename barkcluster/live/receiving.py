"""One thread that takes bytes off sockets and growing files as soon as they are there.

It does nothing else: datagrams wait in 200 kB of the kernel, a few hundred frames, and are lost
when nobody takes them off. What comes in a burst is handed over in one piece once the burst is
over, so that nobody fights with this thread for the interpreter meanwhile.
"""

from __future__ import annotations

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
from .growing_file import GrowingFile

_DATAGRAM_BYTES = 1 << 16
_KERNEL_BYTES = 1 << 22  # asked for; systems give what they allow
_FILE_POLL_S = 0.02
_IDLE_S = 0.2
# Larger batches wait for the next millisecond to bring more; but no frame for longer than this.
_BURST = 16
_BURST_POLL_S = 0.001
_LONGEST_BURST_S = 0.05
_MOST_CLIENTS = 64
# A file may hold an hour already: it waits until what was read of it is heard.
_MOST_BATCHES_OF_FILES = 4


class Received(NamedTuple):
    """Bytes from one client.

    Attributes
    ----------
    place : int
        Index of the address it came to.
    client : int
        Whose bytes continue one another: a connection, or a file until it is replaced. 0 for
        datagrams.
    data : bytes
        Empty when the client is gone.
    time : float
        When, by ``time.monotonic``.
    """

    place: int
    client: int
    data: bytes
    time: float


class Receiver:
    """Bytes that come to some addresses, in batches.

    Parameters
    ----------
    places : sequence of Address
        Where to listen, each place once. Sockets are opened at once.

    Attributes
    ----------
    batches : SimpleQueue of list of Received
        What came, to be taken by another thread. An empty list when all there is has ended:
        standard input, where it is the only place.

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
        self._n_connections = 0
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._stdin = next((i for i, p in enumerate(places) if p.kind == "-"), None)
        self._only_stdin = self._stdin is not None and len(places) == 1
        try:
            for i, place in enumerate(places):
                if place.kind in NETWORK:
                    self._open(i, place)
                elif place.kind == "file":
                    self._files.append((i, GrowingFile(place.path)))
                    self._file_client[i] = 0
        except OSError:
            self.close()
            raise

    def start(self) -> None:
        """Begin to receive."""
        if self._files or self._selector.get_map():
            self._run(self._receive, "receiving")
        if self._stdin is not None:
            self._run(self._read_stdin, "standard input")

    def close(self) -> None:
        """Stop receiving and close everything."""
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
        self._selector.register(opened, selectors.EVENT_READ, (i, 0, stream))

    def _receive(self) -> None:
        timeout = _FILE_POLL_S if self._files else _IDLE_S
        while not self._closing:
            batch: list[Received] = []
            self._take(timeout, batch)
            begun, before = time.monotonic(), 0
            while (len(batch) - before > _BURST
                   and time.monotonic() - begun < _LONGEST_BURST_S):
                before = len(batch)
                self._take(_BURST_POLL_S, batch)
            if self.batches.qsize() < _MOST_BATCHES_OF_FILES:
                for i, file in self._files:
                    self._read_file(i, file, batch)
            if batch:
                self.batches.put(batch)

    def _take(self, timeout: float, batch: list[Received]) -> None:
        if not self._selector.get_map():  # files alone; Windows cannot wait for no socket
            time.sleep(timeout)
            return
        for key, _ in self._selector.select(timeout):
            i, client, listens = key.data
            opened: socket.socket = key.fileobj  # type: ignore[assignment]
            if listens:
                self._accept(i, opened)
            elif client:
                self._take_stream(i, client, opened, batch)
            else:
                self._take_datagrams(i, opened, batch)

    def _take_datagrams(self, i: int, opened: socket.socket, batch: list[Received]) -> None:
        for _ in range(1000):  # the others want a turn as well
            try:
                data = opened.recv(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:  # Windows tells here that an answer found nobody
                continue
            batch.append(Received(i, 0, data, time.monotonic()))

    def _accept(self, i: int, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        if self._n_connections >= _MOST_CLIENTS:
            connection.close()
            return
        self._n_connections += 1
        self._client += 1
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, (i, self._client, False))

    def _take_stream(self, i: int, client: int, connection: socket.socket,
                     batch: list[Received]) -> None:
        try:
            data = connection.recv(_DATAGRAM_BYTES)
        except BlockingIOError:
            return
        except OSError:  # it broke off
            data = b""
        batch.append(Received(i, client, data, time.monotonic()))
        if not data:
            self._n_connections -= 1
            self._selector.unregister(connection)
            connection.close()

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
            data = os.read(sys.stdin.fileno(), _DATAGRAM_BYTES)
            if not data:
                break
            self.batches.put([Received(self._stdin, 0, data, time.monotonic())])
        if self._only_stdin:
            self.batches.put([])
