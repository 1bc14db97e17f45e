"""The scorer of the documentation's example: it stands wherever the built-in ones do."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from barkcluster import (
    SCORERS,
    FamiliarityModel,
    ModelFormatError,
    RetrainingStream,
    SessionGallery,
    load_gallery,
    load_model,
    load_scorer,
)
from barkcluster.synthetic import make_session

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "plot_7_own_scorer.py"


def own_scorer_class():
    """The class alone: what follows it fits and draws, which tests/test_docs.py has it do."""
    lines = EXAMPLE.read_text("utf-8").split("# %%\n# It can stand")[0]
    lines = lines.replace("import matplotlib.pyplot as plt\n", "")
    names = {"__name__": "example"}
    exec(compile(lines, str(EXAMPLE), "exec"), names)
    return names["WorstDirectionScorer"]


OwnScorer = own_scorer_class()


@pytest.fixture
def named(monkeypatch):
    monkeypatch.setitem(SCORERS, OwnScorer.kind, OwnScorer)
    return OwnScorer.kind


@pytest.fixture(scope="module")
def jams():
    return [make_session(0.5, random_state=seed)[0] for seed in (1, 2)]


def test_a_file_of_it_gives_the_same_answers(rng, tmp_path, named):
    rows = rng.normal(size=(60, 3))
    scorer = OwnScorer(whitening=0.5).fit(rows)
    scorer.save(tmp_path / "own.npz")
    again = load_scorer(tmp_path / "own.npz")
    assert isinstance(again, OwnScorer)
    np.testing.assert_array_equal(again.score_samples(rows * 2), scorer.score_samples(rows * 2))


def test_without_its_row_a_file_of_it_is_refused(rng, tmp_path, monkeypatch):
    monkeypatch.delitem(SCORERS, OwnScorer.kind, raising=False)
    OwnScorer().fit(rng.normal(size=(60, 3))).save(tmp_path / "own.npz")
    with pytest.raises(ModelFormatError, match="kind must be one of kmeans.*'worst direction'"):
        load_scorer(tmp_path / "own.npz")


@pytest.mark.slow
def test_a_model_takes_it_by_name_and_by_class(jams, tmp_path, named):
    by_name = FamiliarityModel(named, scales=(0.5, 2.0)).fit(jams[0])
    by_class = FamiliarityModel(OwnScorer(), scales=(0.5, 2.0)).fit(jams[0])
    expected = by_name.timeline(jams[1]).familiarity
    np.testing.assert_array_equal(by_class.timeline(jams[1]).familiarity, expected)
    for i, model in enumerate((by_name, by_class)):
        model.save(tmp_path / f"{i}.npz")
        again = load_model(tmp_path / f"{i}.npz")
        assert again.get_params()["scorer"] is not None
        np.testing.assert_array_equal(again.timeline(jams[1]).familiarity, expected)


def test_it_explains_itself(jams):
    explanation = FamiliarityModel(OwnScorer(), scales=(0.5, 2.0)).fit(jams[0]).explain(
        jams[1], 10.0)
    assert np.abs(explanation.bands).max() > 1.0  # beside the mean of what was learned
    assert explanation.matches == ()


@pytest.mark.slow
def test_a_gallery_of_it_ranks_as_it_did_before_it_was_saved(jams, tmp_path, named):
    model = FamiliarityModel(OwnScorer(), scales=(1.0, 3.0), hop=0.5)
    gallery = SessionGallery(model).fit(
        {str(i): jam.between(0, 20) for i, jam in enumerate(jams)})
    gallery.save(tmp_path / "gallery")
    again = load_gallery(tmp_path / "gallery")
    for jam in jams:
        ranking = gallery.rank(jam.between(20, 30))
        assert {name for name, _ in ranking} == {"0", "1"}
        assert again.rank(jam.between(20, 30)) == ranking


def test_a_stream_learns_with_it_in_a_thread_and_says_so_of_a_process(jams, named):
    model = FamiliarityModel(named, scales=(0.5,))
    with pytest.raises(ValueError, match="WorstDirectionScorer .* learn in a thread"):
        RetrainingStream(clone(model))
    with RetrainingStream(model, learn_in="thread") as stream:
        for frame in jams[0].frames[:700]:
            stream.push(frame)
        stream.wait()
        assert stream.n_learned == 1
