"""Does `barkcluster live` keep up: four players, then a burst, and what becomes of its memory?

    python -m benchmarks.live_load [--minutes 1] [--burst 5000]

Four clients send 100 frames a second each, over OSC, FUDI by UDP and TCP, and lines of text; each
player learns again every 30 s. Lost is what was sent and never heard; late, heard after the next
frame was due; the answer time is from a frame leaving here to the familiarity arriving here. Now
and then a client sends garbage, and one dies for two seconds and returns. Then a burst: datagrams
at once, as fast as one process can send.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from barkcluster._threads import THREAD_VARIABLES
from barkcluster.live.fudi import to_fudi
from barkcluster.live.osc import build_message, parse_packet
from barkcluster.synthetic import make_session

LOCAL = "127.0.0.1"
KINDS = {"olga": "osc", "fred": "fudi-udp", "tina": "fudi-tcp", "theo": "udp-text"}
GARBAGE = b"#bundle\x00\xff garbage ;\n"


@dataclass
class Client:
    """Sends frames as one kind of program does."""

    name: str
    kind: str
    port: int
    n_sent: int = 0
    n_garbage: int = 0
    left_at: float = 0.0
    was_away: bool = False
    status: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    socket: socket.socket | None = None

    def open(self) -> None:
        stream = self.kind == "fudi-tcp"
        self.socket = socket.socket(socket.AF_INET,
                                    socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        self.socket.connect((LOCAL, self.port))

    def close(self) -> None:
        self.was_away = True
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def packet(self, levels: list[float]) -> bytes:
        if self.kind == "osc":
            return build_message("/bark", levels)
        if self.kind == "udp-text":
            return (" ".join(f"{level:.7g}" for level in levels) + "\n").encode()
        return to_fudi("bark", levels)

    def send(self, levels: list[float]) -> None:
        if self.socket is None:
            self.open()
        assert self.socket is not None
        self.n_sent += 1
        if self.n_sent % 10 == 0:  # the one that is answered
            self.left_at = time.monotonic()
        self.socket.sendall(self.packet(levels))

    def send_garbage(self) -> None:
        if self.socket is not None:
            self.socket.sendall(GARBAGE)
            self.n_garbage += 1


def free_port(kind: str) -> int:
    stream = kind == "fudi-tcp"
    with socket.socket(socket.AF_INET,
                       socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


def resident_mb(pid: int) -> float:
    """Memory of a process; nan where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def collect(answers: socket.socket, clients: dict[str, Client]) -> None:
    """Take what is answered until the socket is closed."""
    while True:
        try:
            packet = answers.recv(65535)
        except OSError:
            return
        [message] = parse_packet(packet)
        _, name, word = message.address.split("/", 2)
        client = clients[name]
        if word == "familiarity":
            client.answers.append(time.monotonic() - client.left_at)
        elif word == "status":
            client.status = [float(value) for value in message.values[1:6]]


def play(clients: list[Client], frames: list[list[float]], seconds: float) -> None:
    """All clients at 100 frames a second, on one clock."""
    begun = time.monotonic()
    for tick in range(round(100 * seconds)):
        time.sleep(max(0.0, begun + tick / 100 - time.monotonic()))
        for i, client in enumerate(clients):
            away = i == 0 and tick % 6000 >= 5800  # two seconds of each minute
            if away:
                client.close()
            else:
                client.send(frames[(tick + 977 * i) % len(frames)])
                if tick % 500 == 100 * i:
                    client.send_garbage()


def settle(clients: list[Client]) -> None:
    """Wait until what is said of the frames received no longer changes."""
    before: list[float] = []
    while before != (now := [client.status[1] for client in clients]):
        before = now
        time.sleep(2.5)  # longer than a gap, and than a status takes


def main() -> None:
    parser = argparse.ArgumentParser(description="Does barkcluster live keep up?")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--burst", type=int, default=5000)
    parser.add_argument("--scorer", default="knn")
    arguments = parser.parse_args()

    frames = make_session(5, random_state=0)[0].frames.tolist()
    clients = {name: Client(name, kind, free_port(kind)) for name, kind in KINDS.items()}
    everyone = list(clients.values())
    with (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answers,
          tempfile.TemporaryDirectory() as folder):
        answers.bind((LOCAL, 0))
        command = [sys.executable, "-m", "barkcluster", "live", "--quiet",
                   "--scorer", arguments.scorer, "--gather", f"{folder}/jam.txt",
                   "--out", f"osc://{LOCAL}:{answers.getsockname()[1]}"]
        for client in everyone:
            path = "/bark" if client.kind == "osc" else ""
            command += ["--in", f"{client.name}={client.kind}://{LOCAL}:{client.port}{path}"]
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
        live = subprocess.Popen(command, env=environment)
        try:
            threading.Thread(target=collect, args=(answers, clients), daemon=True).start()
            while not all(client.status for client in everyone):
                time.sleep(0.1)
            memory = [resident_mb(live.pid)]
            play(everyone, frames, 20.0)  # until all have models
            for client in everyone:
                client.answers.clear()
            memory += [resident_mb(live.pid)]
            for left in np.arange(arguments.minutes, 0, -1):
                play(everyone, frames, 60 * min(1.0, left))
                memory.append(resident_mb(live.pid))
            settle(everyone)
            print(f"{arguments.minutes:g} minutes of {len(clients)} x 100 frames a second; load "
                  f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            print(f"{'player':8}{'over':10}{'sent':>8}{'lost':>6}{'late':>6}{'garbage':>8}"
                  f"{'rejected':>9}{'answers':>8}{'median':>8}{'p99':>7}{'worst ms':>9}")
            for client in everyone:
                _, received, rejected, late, _ = client.status
                # Behind a gap hops begin anew: it is not known here which frame was answered.
                delays = np.array([np.nan] if client.was_away else client.answers)
                p50, p99 = 1e3 * np.percentile(delays, [50, 99])
                print(f"{client.name:8}{client.kind:10}{client.n_sent:8}"
                      f"{client.n_sent - received:6.0f}{late:6.0f}{client.n_garbage:8}"
                      f"{rejected:9.0f}{len(client.answers):8}{p50:8.1f}{p99:7.1f}"
                      f"{1e3 * delays.max():9.1f}")
            burst(clients["olga"], frames, arguments.burst)
            memory.append(resident_mb(live.pid))
            print("memory, MB, at the start, when all had models, after each minute, after the "
                  "burst: " + " ".join(f"{megabytes:.0f}" for megabytes in memory))
        finally:
            live.terminate()
            live.wait()


def burst(client: Client, frames: list[list[float]], n: int) -> None:
    """Frames at once, as fast as they can be sent."""
    packets = [client.packet(frames[i % len(frames)]) for i in range(n)]
    if client.socket is None:
        client.open()
    assert client.socket is not None
    _, received, _, late, _ = client.status
    begun = time.monotonic()
    for packet in packets:
        client.socket.sendall(packet)
    seconds = time.monotonic() - begun
    settle([client])
    lost, late = n - (client.status[1] - received), client.status[3] - late
    print(f"burst: {n} datagrams in {seconds:.3f} s, {lost:.0f} lost, {late:.0f} late")


if __name__ == "__main__":
    main()
