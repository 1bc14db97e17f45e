"""Model files: what is saved comes back, to the last bit."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from data import make_fixture
from sklearn.exceptions import NotFittedError

from barkcluster import (
    SCORERS,
    FamiliarityModel,
    KNNDensityScorer,
    ModelFormatError,
    SOMScorer,
    load_model,
    load_scorer,
)
from barkcluster.calibration import Calibration
from barkcluster.calibration.table import CalibrationTable
from barkcluster.files import container
from barkcluster.scorers.nearest import Memories
from barkcluster.scorers.together import Judge
from tests.every_scorer import EVERY_SCORER, soon

DATA = Path(__file__).parents[1] / "data"


def session(rng, n_frames=1200):
    """Levels that rise on a beat, and drift."""
    beat = np.exp(-(np.arange(n_frames) % 50) / 8.0)[:, None] * rng.uniform(5, 25, 25)
    return -50 + beat + np.cumsum(rng.normal(0, 0.3, (n_frames, 25)), axis=0)


def assert_same_attributes(first, second):
    names = set(vars(first)) - {"_unheard_echoes"}  # the fit alone asks for them
    assert names == set(vars(second))
    for name in names:
        value = vars(first)[name]
        other = vars(second)[name]
        assert type(value) is type(other), name
        if isinstance(value, np.ndarray):
            assert value.dtype == other.dtype, name
            np.testing.assert_array_equal(value, other, err_msg=name)
        elif isinstance(value, (Calibration, CalibrationTable, Judge)):
            assert_same_attributes(value, other)
        elif isinstance(value, list):
            for one, another in zip(value, other, strict=True):
                if isinstance(one, Memories):
                    assert_same_attributes(one, another)
                else:
                    np.testing.assert_array_equal(one, another, err_msg=name)
        else:
            assert value == other, name


def header_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("header.json"))


def with_header(path, change):
    """The file again, its header changed by a function."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["header.json"] = json.dumps(change(json.loads(members["header.json"])))
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", EVERY_SCORER)
def test_a_loaded_model_gives_bit_equal_timelines(rng, tmp_path, name):
    frames = session(rng, 2000)
    model = FamiliarityModel(name, scales=(0.5, 3.0), random_state=3).fit(frames[:1200])
    model.save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz")
    expected, got = model.timeline(frames), again.timeline(frames)
    np.testing.assert_array_equal(got.familiarity, expected.familiarity)
    np.testing.assert_array_equal(got.by_scale, expected.by_scale)
    np.testing.assert_array_equal(got.times, expected.times)
    assert again.get_params() == model.get_params()


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORERS)
def test_every_attribute_of_a_model_comes_back(rng, tmp_path, name):
    model = FamiliarityModel(soon(name), scales=(0.5, 3.0), hop=0.2, random_state=0, n_jobs=1)
    model.fit(session(rng))
    model.save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz")
    assert set(vars(again)) == set(vars(model))
    for attribute in ("scales_", "frame_rate_", "duration_", "n_effective_", "n_features_in_"):
        assert getattr(again, attribute) == getattr(model, attribute)
    assert vars(again.features_) == vars(model.features_)
    assert ([(part.scale_index, part.view) for part in again.parts_]
            == [(part.scale_index, part.view) for part in model.parts_])
    for part, other in zip(model.parts_, again.parts_, strict=True):
        assert_same_attributes(part.scorer, other.scorer)
    for name_of in ("scale_calibrations_", "calibrations_"):
        for first, second in zip(getattr(model, name_of), getattr(again, name_of), strict=True):
            assert_same_attributes(first, second)


def test_pattern_scorers_are_worth_as_many_windows_after_loading_as_before(rng, tmp_path):
    # They are calibrated again, on the windows in which their players play.
    model = FamiliarityModel(scales=(2.0,), hop=0.2).fit(session(rng))
    model.save(tmp_path / "jam.npz")
    for before, after in zip(model.parts_, load_model(tmp_path / "jam.npz").parts_, strict=True):
        assert before.scorer.n_effective_ == before.scorer.calibration_.n_effective_
        assert after.scorer.n_effective_ == before.scorer.n_effective_


@pytest.mark.parametrize("whitening", [0.0, 0.75])
@pytest.mark.parametrize("name", SCORERS)
def test_every_attribute_of_a_scorer_comes_back(rng, tmp_path, name, whitening):
    rows = rng.normal(size=(80, 6)).cumsum(axis=0)
    scorer = SCORERS[name](whitening=whitening, n_blocks=4, gap=3).fit(rows)
    scorer.save(tmp_path / "scorer.npz")
    again = load_scorer(tmp_path / "scorer.npz")
    assert type(again) is type(scorer)
    assert_same_attributes(scorer, again)
    np.testing.assert_array_equal(again.score_samples(rows), scorer.score_samples(rows))
    np.testing.assert_array_equal(again.predict(rows), scorer.predict(rows))


@pytest.mark.parametrize("name", SCORERS)
def test_a_loaded_model_fits_again_as_a_fresh_one(rng, tmp_path, name):
    first, second = session(rng), session(rng)
    FamiliarityModel(name, scales=(0.5,), random_state=1).fit(first).save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz").fit(second)
    fresh = FamiliarityModel(name, scales=(0.5,), random_state=1).fit(second)
    np.testing.assert_array_equal(
        again.timeline(first).familiarity, fresh.timeline(first).familiarity)


@pytest.mark.parametrize("name", SCORERS)
def test_saved_twice_is_the_same_but_for_its_date(rng, tmp_path, name):
    model = FamiliarityModel(name, scales=(0.5,), random_state=1).fit(session(rng))
    model.save(tmp_path / "first.npz")
    load_model(tmp_path / "first.npz").save(tmp_path / "second.npz")
    first, second = header_of(tmp_path / "first.npz"), header_of(tmp_path / "second.npz")
    first.pop("created"), second.pop("created")
    assert first == second
    with np.load(tmp_path / "first.npz") as a, np.load(tmp_path / "second.npz") as b:
        assert a.files == b.files
        for member in set(a.files) - {"header.json"}:
            np.testing.assert_array_equal(a[member], b[member])


def test_a_model_given_a_scorer_keeps_its_parameters(rng, tmp_path):
    scorer = SOMScorer(shape=(2, 3), n_iter=400, sigma=1.0, false_alarm_rate=0.1)
    model = FamiliarityModel(scorer, scales=(0.5,), random_state=np.int64(4)).fit(session(rng))
    model.save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz")
    assert type(again.scorer) is SOMScorer
    assert again.scorer.get_params() == scorer.get_params()
    assert again.scorer.shape == (2, 3)
    assert again.random_state == 4
    assert type(again.random_state) is int


def test_parameters_changed_after_the_fit_come_back_too(rng, tmp_path):
    scorer = KNNDensityScorer(n_neighbors=2).fit(rng.normal(size=(30, 3)))
    scorer.set_params(n_neighbors=5, false_alarm_rate=0.2)
    scorer.save(tmp_path / "scorer.npz")
    again = load_scorer(tmp_path / "scorer.npz")
    assert (again.n_neighbors, again.n_neighbors_) == (5, 2)
    assert (again.false_alarm_rate, again.offset_) == (0.2, 0.05)


def test_names_of_columns_come_back(rng, tmp_path):
    scorer = KNNDensityScorer().fit(rng.normal(size=(30, 3)))
    scorer.feature_names_in_ = np.array(["low", "mid", "hoch ä"], dtype=object)
    scorer.save(tmp_path / "scorer.npz")
    names = load_scorer(tmp_path / "scorer.npz").feature_names_in_
    assert names.tolist() == ["low", "mid", "hoch ä"]


def test_the_file_says_what_it_is(rng, tmp_path):
    FamiliarityModel(scales=(0.5,)).fit(session(rng)).save(tmp_path / "jam.npz")
    header = header_of(tmp_path / "jam.npz")
    assert (header["format"], header["holds"]) == ("barkcluster", "model")
    assert header["version"] == container.FORMAT_VERSION
    assert header["model"]["scales"] == [0.5]
    assert set(header["libraries"]) == {"barkcluster", "numpy", "scipy", "scikit-learn"}
    assert header["created"].endswith("+00:00")


def test_numpy_reads_the_arrays(rng, tmp_path):
    scorer = KNNDensityScorer().fit(rng.normal(size=(30, 3)))
    scorer.save(tmp_path / "scorer.npz")
    with np.load(tmp_path / "scorer.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["scorer.memory"], scorer.memory_)


def test_numbers_that_need_less_room_take_less(tmp_path):
    rows = np.tile(np.array([[0.0], [2.0]]), (500, 40))
    KNNDensityScorer().fit(rows).save(tmp_path / "scorer.npz")
    with np.load(tmp_path / "scorer.npz") as file:
        assert file["scorer.memory"].dtype == np.float16
    np.testing.assert_array_equal(
        load_scorer(tmp_path / "scorer.npz").memory_, KNNDensityScorer().fit(rows).memory_)


def test_scorers_are_called_alike_everywhere():
    assert {name: cls.kind for name, cls in SCORERS.items()} == {name: name for name in SCORERS}


def test_before_fit_there_is_nothing_to_save(tmp_path):
    with pytest.raises(NotFittedError):
        FamiliarityModel().save(tmp_path / "jam.npz")
    with pytest.raises(NotFittedError):
        KNNDensityScorer().save(tmp_path / "scorer.npz")
    assert not os.listdir(tmp_path)


class _MyScorer(KNNDensityScorer):
    """Has no kind of its own: it would be taken for its parent."""


@pytest.mark.parametrize("of_a_model", [True, False])
def test_a_class_of_ones_own_is_refused(rng, tmp_path, of_a_model):
    mine = (FamiliarityModel(_MyScorer(), scales=(0.5,)).fit(session(rng)) if of_a_model
            else _MyScorer().fit(rng.normal(size=(30, 2))))
    with pytest.raises(ValueError, match=r"_MyScorer cannot be saved: its class has no `kind`"):
        mine.save(tmp_path / "mine.npz")
    assert not os.listdir(tmp_path)


def test_what_a_class_forgot_to_name_is_said_when_saving(rng, tmp_path):
    class Forgetful(KNNDensityScorer):
        kind = "forgetful"

        def _learn(self, X):
            super()._learn(X)
            self.center_ = X.mean(axis=0)

    with pytest.raises(ValueError, match=r"stored_fields must name .* also center_"):
        Forgetful().fit(rng.normal(size=(30, 2))).save(tmp_path / "mine.npz")
    assert not os.listdir(tmp_path)


def test_a_random_state_object_is_refused(rng, tmp_path):
    scorer = SOMScorer(random_state=np.random.RandomState(0)).fit(rng.normal(size=(30, 2)))
    with pytest.raises(ValueError, match="random_state cannot be saved"):
        scorer.save(tmp_path / "scorer.npz")
    assert not os.listdir(tmp_path)


def test_what_would_not_load_is_not_saved(rng, tmp_path):
    scorer = KNNDensityScorer().fit(rng.normal(size=(30, 2)))
    scorer.memory_[3, 1] = np.nan
    (tmp_path / "scorer.npz").write_text("the old one")
    with pytest.raises(ValueError, match=r"cannot be saved: scorer\.memory must hold numbers"):
        scorer.save(tmp_path / "scorer.npz")
    assert (tmp_path / "scorer.npz").read_text() == "the old one"
    assert len(os.listdir(tmp_path)) == 1


def test_too_large_is_said_when_saving(rng, tmp_path, monkeypatch):
    monkeypatch.setattr(container.check_total, "__defaults__", (1000,))
    with pytest.raises(ValueError, match=r"cannot be saved: its arrays take .* MB; at most"):
        KNNDensityScorer().fit(rng.normal(size=(300, 2))).save(tmp_path / "scorer.npz")


def test_a_newer_format_names_both_versions(rng, tmp_path):
    path = tmp_path / "scorer.npz"
    KNNDensityScorer().fit(rng.normal(size=(30, 2))).save(path)
    with_header(path, lambda header: {**header, "version": 99})
    with pytest.raises(ModelFormatError, match=r"is of format 99; .* reads up to \d"):
        load_scorer(path)


def test_a_migration_is_taken_for_an_older_format(rng, tmp_path, monkeypatch):
    path = tmp_path / "scorer.npz"
    rows = rng.normal(size=(30, 2))
    scorer = KNNDensityScorer().fit(rows)
    scorer.save(path)

    def before(header):
        header["scorer"]["numbers"]["distance"] = header["scorer"]["numbers"].pop("gap")
        return header

    def migrate(header):
        header["scorer"]["numbers"]["gap"] = header["scorer"]["numbers"].pop("distance")
        return header

    with_header(path, before)
    with pytest.raises(ModelFormatError, match="gap is missing"):
        load_scorer(path)
    version = container.FORMAT_VERSION
    monkeypatch.setattr(container, "FORMAT_VERSION", version + 1)
    monkeypatch.setitem(container._MIGRATIONS, version, migrate)
    np.testing.assert_array_equal(load_scorer(path).novelty(rows), scorer.novelty(rows))
    with_header(path, lambda header: {**header, "scorer": []})
    with pytest.raises(ModelFormatError, match=f"is no file of format {version}"):
        load_scorer(path)


def test_the_other_kind_is_named(rng, tmp_path):
    KNNDensityScorer().fit(rng.normal(size=(30, 2))).save(tmp_path / "scorer.npz")
    with pytest.raises(ModelFormatError, match="holds a scorer: load it with load_scorer"):
        load_model(tmp_path / "scorer.npz")
    FamiliarityModel(scales=(0.5,)).fit(session(rng)).save(tmp_path / "jam.npz")
    with pytest.raises(ModelFormatError, match="holds a model: load it with load_model"):
        load_scorer(tmp_path / "jam.npz")


VERSIONS = sorted(DATA.glob("version*"))


OLD_FILES = sorted(DATA.glob("version*/*.npz"))


@pytest.mark.parametrize("path", OLD_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_files_of_older_versions_load_and_answer_the_same(path):
    answers = json.loads((path.parent / "answers.json").read_text())
    load = load_model if path.stem == "model" else load_scorer
    np.testing.assert_allclose(
        make_fixture.answers_of(load(path)), answers[path.stem], rtol=1e-5)


def test_every_version_has_its_files():
    wanted = [f"version{n}" for n in range(1, container.FORMAT_VERSION + 1)]
    assert sorted(folder.name for folder in VERSIONS) == sorted(wanted)
    for folder in VERSIONS:  # scorers came later than some
        names = json.loads((folder / "answers.json").read_text())
        assert {"model", "kmeans", "gmm", "som", "knn"} <= set(names) <= {*SCORERS, "model"}
        for name in names:
            assert header_of(folder / f"{name}.npz")["version"] == int(folder.name[7:])


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("frames", [
    np.full((600, 25), -40.0), np.full((600, 25), -np.inf), np.full((600, 25), 100.0),
    -40.0 + 1e-12 * np.random.default_rng(0).normal(size=(600, 25)),
    np.repeat([[-100.0], [100.0]], 300, axis=0) * np.ones(25)],
    ids=["constant", "silent", "loudest", "rounding", "extremes"])
def test_what_a_model_accepts_it_can_save(tmp_path, scorer, frames):
    model = FamiliarityModel(scorer, scales=(0.5,), random_state=0).fit(frames)
    model.save(tmp_path / "jam.npz")
    np.testing.assert_array_equal(load_model(tmp_path / "jam.npz").timeline(frames).by_scale,
                                  model.timeline(frames).by_scale)
