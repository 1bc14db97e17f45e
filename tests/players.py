"""What stands in for musicians and their programs: frames on a beat, and ports that are free."""

import socket

import numpy as np

LOCAL = "127.0.0.1"


def jam(rng, n_frames, level=-50.0):
    """Frames that rise and decay on a beat; float32, as what is gathered and written."""
    beat = np.exp(-(np.arange(n_frames) % 23) / 6.0)[:, None] * rng.uniform(5, 25, 25)
    return (level + beat + rng.normal(0, 2, size=(n_frames, 25))).astype(np.float32)


def free_port(kind=socket.SOCK_DGRAM):
    """A port of this machine that nobody listens to."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOCAL, 0))
        return probe.getsockname()[1]


def end(processes):
    """End programs that a test started, whatever they do."""
    for process in processes:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
