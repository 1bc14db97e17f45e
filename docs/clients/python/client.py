"""Plays a session file to barkcluster live and prints the answers. Standard library only.

    barkcluster live --in udp-text://127.0.0.1:7400 --out udp-text://127.0.0.1:7401
    python client.py jam.txt
"""

import argparse
import socket
import time

LOCAL = "127.0.0.1"


def main() -> None:
    """Send a line every 10 ms; print what comes back meanwhile."""
    parser = argparse.ArgumentParser(description="Plays a session file to barkcluster live.")
    parser.add_argument("session", help="text file, a line of 25 numbers for each frame")
    parser.add_argument("--frame-rate", type=float, default=100.0)
    parser.add_argument("--to", type=int, default=7400, metavar="PORT")
    parser.add_argument("--back", type=int, default=7401, metavar="PORT")
    arguments = parser.parse_args()

    with (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
          socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back,
          open(arguments.session, "rb") as session):
        back.bind((LOCAL, arguments.back))
        due = time.monotonic()
        for line in session:
            if line.startswith(b"#"):
                continue
            out.sendto(line, (LOCAL, arguments.to))
            due += 1 / arguments.frame_rate
            while (left := due - time.monotonic()) > 0:
                back.settimeout(left)
                try:
                    said = back.recv(65535)
                except TimeoutError:
                    break
                if said.startswith((b"familiarity ", b"tempo ")):
                    print(said.decode().rstrip(), flush=True)


if __name__ == "__main__":
    main()
