"""How long does starting take: the interpreter, imports, --help, and live until it listens?

    python -m benchmarks.startup

Times are medians of whole processes. They are started in turns, so that other work of the machine
slows all of them alike. `import sklearn` is measured for comparison. Live is listening when it
says "listening on", and has answered when the status tells of the first frame sent after that.
"""

from __future__ import annotations

import argparse
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

LOCAL = "127.0.0.1"
IMPORTS = {
    "python": "pass",
    "import numpy": "import numpy",
    "import sklearn": "import sklearn",
    "from barkcluster import read_session": "from barkcluster import read_session",
    "from barkcluster import FamiliarityModel": "from barkcluster import FamiliarityModel",
}


def imported(statement: str) -> float:
    """Seconds of an interpreter that does one thing and ends."""
    return waited_for([sys.executable, "-c", statement])


def helped() -> float:
    """Seconds of `barkcluster --help`."""
    return waited_for([sys.executable, "-m", "barkcluster", "--help"])


def waited_for(command: list[str]) -> float:
    """Wall seconds until a process has ended."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def live_start(until_heard: bool) -> float:
    """Seconds until `barkcluster live` listens, or has heard what was sent when it did."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        back.bind((LOCAL, 0))
        back.settimeout(120)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((LOCAL, 0))
            port = probe.getsockname()[1]
        start = time.perf_counter()
        with subprocess.Popen(
                [sys.executable, "-m", "barkcluster", "live", "--in",
                 f"udp-text://{LOCAL}:{port}", "--out",
                 f"udp-text://{LOCAL}:{back.getsockname()[1]}"],
                stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            while b"listening on" not in (line := process.stderr.readline()):
                if not line:
                    raise RuntimeError("barkcluster live ended before it listened")
            if until_heard:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.sendto(b"-40 " * 25 + b"\n", (LOCAL, port))
                back.recv(65535)
            taken = time.perf_counter() - start
            process.kill()
        return taken


def main() -> None:
    """Print a row for each start."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    starts: dict[str, Callable[[], float]] = {
        name: lambda statement=statement: imported(statement)
        for name, statement in IMPORTS.items()}
    starts |= {"barkcluster --help": helped,
               "barkcluster live, to open ports": lambda: live_start(False),
               "barkcluster live, to the first answer": lambda: live_start(True)}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for turn in range(options.repeats + 1):
        for name, start in starts.items():
            before = children_s()
            wall = start()
            if turn:  # the first reads files from the disk
                taken[name].append((wall, children_s() - before))
    print(f"seconds, medians of {options.repeats}    wall  processor")
    for name, rows in taken.items():
        wall, processor = np.median(rows, axis=0)
        print(f"{name:42} {wall:5.2f} {processor:6.2f}")


def children_s() -> float:
    """Processor seconds of all processes started from here that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
