"""What all tests share: seeded randomness, threads, and who runs them."""

import os
import signal
import sys

from barkcluster._threads import THREAD_VARIABLES

# Before numpy loads: on a busy machine, threads for small matrices wait for each other.
for _variable in THREAD_VARIABLES:
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """How many workers `-n auto` starts: more than cores, for what listens mostly waits."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def process_as_it_was():
    """What `barkcluster live` asks of its process, it does not ask of the tests after it."""
    interval, on_sigterm = sys.getswitchinterval(), signal.getsignal(signal.SIGTERM)
    yield
    sys.setswitchinterval(interval)
    signal.signal(signal.SIGTERM, on_sigterm)


@pytest.fixture
def rng():
    return np.random.default_rng(20261)


@pytest.fixture
def hasty_maps(monkeypatch):
    """Maps are trained for a fifth of their steps, where a test asks what is done with them."""
    from minisom import MiniSom

    train = MiniSom.train
    monkeypatch.setattr(MiniSom, "train", lambda som, X, n_steps, **options: train(
        som, X, n_steps // 5, **options))
