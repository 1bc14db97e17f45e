"""Fits, timelines and pushes use one thread of the libraries beneath, and put it back."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from barkcluster import FamiliarityModel, KMeansScorer
from barkcluster._threads import OneThread, _OneForAll, one_thread_for_products
from barkcluster.model.listening import Listener
from barkcluster.scorers.base import FamiliarityScorer
from barkcluster.scorers.nearest import NearestRows


def most(seen, *, of_products=False):
    """Most threads that a library would have used, in a push those of products alone."""
    return max(number for one in seen for path, number in one.items()
               if not of_products or ("blas" in path and "scipy.libs" not in path))


def counts():
    return {one.filepath: one.num_threads for one in ThreadpoolController().lib_controllers}


@pytest.fixture
def two_threads():
    """Libraries that would use two threads, on a machine of any size."""
    if not counts():
        pytest.skip("no library of threads that could be limited")
    with threadpool_limits(2):
        yield counts()


@pytest.fixture
def seen(monkeypatch):
    """Threads that each library would have used, each time that a scorer works."""
    numbers = []
    for kind, name in ((FamiliarityScorer, "to_metric"), (FamiliarityScorer, "_learn_rows"),
                       (NearestRows, "novelty")):
        work = getattr(kind, name)

        def watched(self, *arguments, work=work):
            numbers.append(counts())
            return work(self, *arguments)

        monkeypatch.setattr(kind, name, watched)
    return numbers


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_fit_timeline_and_push_use_one_thread(rng, two_threads, seen, n_jobs):
    frames = rng.normal(-40, 6, size=(400, 25))
    model = FamiliarityModel("kmeans", scales=(0.5,), random_state=0, n_jobs=n_jobs).fit(frames)
    assert most(seen) == 1
    seen.clear()
    model.timeline(frames)
    assert most(seen) == 1
    seen.clear()
    stream = model.stream()
    for frame in frames[:60]:
        stream.push(frame)
    assert most(seen, of_products=True) == 1
    assert counts() == two_threads


def test_a_scorer_alone_uses_one_thread(rng, two_threads, seen):
    rows = rng.normal(size=(40, 3))
    KMeansScorer(n_clusters=2).fit(rows).novelty(rows)
    assert most(seen) == 1
    assert counts() == two_threads


def test_the_last_who_leaves_puts_back_what_the_first_found(two_threads):
    begun, ended = threading.Event(), threading.Event()

    def work():
        with OneThread():
            begun.set()
            ended.wait(10)

    other = threading.Thread(target=work)
    with OneThread():
        other.start()
        begun.wait(10)
    of_all = {path for path, number in counts().items() if number == 1}
    assert of_all  # the other one is still at work
    ended.set()
    other.join()
    assert counts() == two_threads


def test_a_block_for_products_can_be_entered_again_and_nested(two_threads):
    block = one_thread_for_products()
    for _ in range(2):
        with block, block, OneThread():
            assert max(counts().values()) == 1
        assert counts() == two_threads


def test_a_stream_begun_while_others_learn_is_limited_too(two_threads):
    with OneThread():
        block = one_thread_for_products()
    with block:
        assert counts() != two_threads


def test_an_error_leaves_the_threads_as_they_were(two_threads):
    with pytest.raises(ValueError, match="must cover"):
        FamiliarityModel().fit(np.zeros((10, 25)))
    with pytest.raises(ZeroDivisionError), OneThread():
        raise ZeroDivisionError
    assert counts() == two_threads


def test_where_there_is_nothing_to_limit_pushes_ask_nobody(rng, monkeypatch):
    frames = rng.normal(-40, 6, size=(400, 25))
    with threadpool_limits(1):
        stream = FamiliarityModel("kmeans", scales=(0.5,)).fit(frames).stream()
    asked = []
    monkeypatch.setattr(_OneForAll, "__enter__", lambda self: asked.append(self))
    answered = []
    answer = Listener.answer
    monkeypatch.setattr(Listener, "answer",
                        lambda self, windows: answered.append(1) or answer(self, windows))
    for frame in frames[:60]:
        stream.push(frame)
    assert answered
    assert not asked
