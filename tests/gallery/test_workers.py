"""Galleries that workers of a dask cluster learn: the same numbers, whatever happens to them."""

import os
import signal
import time

import joblib
import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, SessionGallery, read_session, write_session
from barkcluster.gallery.summary import summarize

# Each worker is a program of its own; the other warnings are dask's.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def play(band, evening):
    """Eight seconds of a band's notes, in the room of an evening."""
    notes = np.random.default_rng([1, band]).normal(-45, 5, size=(4, 25))
    rng = np.random.default_rng([2, band, evening])
    frames = np.repeat(notes[rng.integers(4, size=32)], 25, axis=0)
    frames = frames + rng.normal(0, 6.0) * np.linspace(-1, 1, 25)
    return Session(frames + rng.normal(0, 2, size=frames.shape))


def gallery(**options):
    return SessionGallery(FamiliarityModel(scales=(0.5,), hop=0.25), **options)


@pytest.fixture(scope="module")
def takes():
    return {name: [play(i, evening) for evening in range(4)]
            for i, name in enumerate(("anna", "bert", "carl"))}


@pytest.fixture(scope="module")
def cluster():
    """Two workers, which joblib is told of by `parallel_config(backend="dask")`."""
    distributed = pytest.importorskip("distributed", reason="needs the extra distributed")
    with (distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                   host="127.0.0.1") as cluster,
          distributed.Client(cluster)):
        yield cluster


@pytest.mark.usefixtures("cluster")
def test_a_metric_learned_by_dask_workers_gives_the_same_numbers(takes):
    alone = gallery().fit(takes)
    with joblib.parallel_config(backend="dask"):
        spread = gallery().fit(takes)
        found = gallery().evaluate(takes, n_folds=2)
    assert spread.comparison_.n_more_ == 3.0
    query = play(1, 9)
    assert spread.rank(query) == alone.rank(query)
    np.testing.assert_array_equal(spread.calibration_.novelty_, alone.calibration_.novelty_)
    np.testing.assert_array_equal(spread.comparison_.log_distances(summarize(query)),
                                  alone.comparison_.log_distances(summarize(query)))
    here = gallery().evaluate(takes, n_folds=2)
    assert found.stranger_auc == here.stranger_auc
    # Not whole answers: seconds that spoke for nobody are nan, which equals nothing.
    assert [(a.said, a.familiarity) for a in found.answers] == [
        (a.said, a.familiarity) for a in here.answers]


class _Interrupted:
    """Reads a session; the first time, the worker that does it dies."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, path):
        try:
            (self.folder / "died").touch(exist_ok=False)
        except FileExistsError:
            return read_session(path)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("cluster")
def test_a_dask_cluster_that_loses_a_worker_answers_the_same(tmp_path, takes):
    paths = {name: tmp_path / f"{name}.txt" for name in takes}
    for name, path in paths.items():
        write_session(takes[name][0], path)
    alone = gallery().fit(paths)
    with joblib.parallel_config(backend="dask"):
        spread = gallery(folder=tmp_path / "bands", reader=_Interrupted(tmp_path)).fit(paths)
    assert (tmp_path / "died").exists()
    assert spread.rank(takes["carl"][1]) == alone.rank(takes["carl"][1])
    np.testing.assert_array_equal(spread.similarity_matrix(), alone.similarity_matrix())
