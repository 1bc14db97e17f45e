"""What all tests share: seeded randomness, threads, and who runs them."""

import gc
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


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected is no garbage: to look through it took a third of the time.

    Nor is it looked through while tests run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


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
def hasty_fits(monkeypatch):
    """Scorers learn in a fraction of the time, where a test asks what is done with them.

    They hold out two blocks, and maps are trained for a twentieth of their steps.
    """
    from minisom import MiniSom

    from barkcluster.scorers import cross_fitting

    blocks, train = cross_fitting.held_out_blocks, MiniSom.train
    monkeypatch.setattr(
        cross_fitting, "held_out_blocks", lambda n, _, gap: blocks(n, 2, gap))
    monkeypatch.setattr(MiniSom, "train", lambda som, X, n_steps, **options: train(
        som, X, n_steps // 20, **options))
