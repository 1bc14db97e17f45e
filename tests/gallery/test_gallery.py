"""Many sessions: who is it like, is it any of them; the same from a file and from workers."""

import json
import os
import zipfile
from copy import deepcopy

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from barkcluster import (
    FamiliarityModel,
    KNNDensityScorer,
    ModelFormatError,
    Session,
    write_session,
)
from barkcluster.files.archive import write_archive
from barkcluster.gallery import SessionGallery, load_gallery
from barkcluster.gallery.candidates import sketch
from barkcluster.gallery.comparison import Record
from barkcluster.gallery.entry import held_out_pieces, strangeness, windows_of
from barkcluster.gallery.folder import GalleryFolder
from barkcluster.gallery.index import GalleryIndex, read_index, write_index
from barkcluster.gallery.sources import by_name
from barkcluster.windows.features import WindowFeatures
from tests.every_scorer import soon

NAMES = ("anna", "bert", "carl", "dora")


def play(seed, seconds):
    """A band of its own: a few sounds that recur, each with some spread."""
    rng = np.random.default_rng(seed)
    sounds = rng.normal(-45, 8, size=(4, 25))
    notes = np.random.default_rng([seed, int(seconds * 100)]).integers(4, size=int(4 * seconds))
    frames = np.repeat(sounds[notes], 25, axis=0)
    return frames + np.random.default_rng([seed, 7]).normal(0, 3, size=frames.shape)


def model():
    """One that is learned soon: most tests ask what becomes of models, not how good they are."""
    return FamiliarityModel(KNNDensityScorer(n_blocks=2), scales=(0.5, 1.0), hop=0.25)


@pytest.fixture(scope="module")
def heard():
    return {name: play(i, 24) for i, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def queries():
    return {name: play(i, 10) for i, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def gallery(heard):
    return SessionGallery(model()).fit(heard)


@pytest.mark.slow
def test_more_of_a_session_is_most_like_it(heard, queries):
    gallery = SessionGallery(FamiliarityModel(scales=(0.5, 2.0), hop=0.25)).fit(heard)
    for name, frames in queries.items():
        ranking = gallery.rank(frames)
        assert ranking[0][0] == name
        assert sorted(other for other, _ in ranking) == sorted(NAMES)
        familiarity = [f for _, f in ranking]
        assert familiarity == sorted(familiarity, reverse=True)
        assert gallery.identify(frames) == name


def test_somebody_else_is_none_of_them(gallery):
    assert gallery.identify(play(99, 10)) is None


def test_strangers_come_first_in_the_order_of_novelty(gallery, queries):
    order = gallery.novelty_order({**queries, "stranger": play(99, 10)})
    assert order[0][0] == "stranger"
    assert order[0][1] < 0.05 < order[1][1]


def test_the_false_alarm_rate_is_that_of_the_held_out_pieces(gallery):
    pool = np.concatenate(list(gallery.held_out_.values()))
    familiarity = gallery.calibration_.familiarity(pool)
    for rate in (0.1, 0.25, 0.5):
        assert np.mean(familiarity < rate) <= rate


def test_similarity_is_greatest_on_the_diagonal(gallery):
    matrix = gallery.similarity_matrix()
    assert matrix.shape == (4, 4)
    assert np.all(matrix.argmax(axis=1) == np.arange(4))
    assert np.all((matrix >= 0) & (matrix <= 1))


@pytest.mark.slow
def test_added_names_are_as_if_always_there(heard, gallery, queries):
    first = dict(list(heard.items())[:2])
    grown = SessionGallery(model()).fit(first)
    kept = grown.store_.kept["anna"]
    grown.add({name: frames for name, frames in heard.items() if name not in first})
    assert grown.store_.kept["anna"] is kept
    assert grown.rank(queries["dora"]) == gallery.rank(queries["dora"])


@pytest.mark.slow
def test_removed_names_are_as_if_never_there(heard, gallery, queries):
    without = SessionGallery(model()).fit({k: v for k, v in heard.items() if k != "bert"})
    shrunk = deepcopy(gallery).remove("bert")
    assert shrunk.names_ == without.names_
    assert shrunk.rank(queries["bert"]) == without.rank(queries["bert"])


@pytest.mark.slow
def test_a_name_added_again_is_replaced(heard):
    gallery = SessionGallery(model()).fit(dict(list(heard.items())[:2]))
    gallery.add({"anna": heard["carl"]})
    assert gallery.names_ == ["bert", "anna"]
    assert gallery.rank(play(2, 10))[0][0] == "anna"


@pytest.mark.slow
def test_refusals_say_what_is_wrong_and_change_nothing(gallery, queries):
    before = gallery.rank(queries["anna"])
    with pytest.raises(ValueError, match=r"at least one session; got none"):
        SessionGallery().fit({})
    with pytest.raises(ValueError, match=r"'short'.*must cover 1.5 s"):
        gallery.add({"short": np.full((20, 25), -40.0)})
    with pytest.raises(KeyError, match="nobody"):
        gallery.remove("nobody")
    with pytest.raises(ValueError, match="at least one in the gallery"):
        gallery.remove(*NAMES)
    with pytest.raises(ValueError, match="one frame rate; got 50, 100"):
        gallery.add({"slow": Session(play(8, 24), 50.0)})
    with pytest.raises(ValueError, match="100 frames a second.*got 50"):
        gallery.rank(Session(queries["anna"], 50.0))
    with pytest.raises(ValueError, match=r"shortest window, 0.5 s; got 0.2 s"):
        gallery.rank(queries["anna"][:20])
    with pytest.raises(ValueError, match="texts of 1 to 200 characters"):
        gallery.add({"": queries["anna"]})
    assert gallery.rank(queries["anna"]) == before


def test_a_query_shorter_than_the_longest_window_is_answered(gallery, queries):
    assert gallery.rank(queries["carl"][:80])[0][0] == "carl"


@pytest.mark.slow
def test_takes_and_paths_are_the_same_as_arrays(tmp_path, heard, queries):
    paths = {}
    for name in NAMES[:2]:
        paths[name] = []
        for i, half in enumerate((heard[name][:1200], heard[name][1200:])):
            paths[name].append(tmp_path / f"{name}{i}.txt")
            write_session(Session(half), paths[name][-1])
    by_path = SessionGallery(model()).fit(paths)
    by_value = SessionGallery(model()).fit(
        {name: [heard[name][:1200], heard[name][1200:]] for name in NAMES[:2]})
    write_session(Session(queries["bert"]), tmp_path / "query.txt")
    assert by_path.rank(tmp_path / "query.txt") == by_value.rank(queries["bert"])


def test_enough_takes_are_held_out_whole(rng):
    takes = [Session(rng.normal(-40, 5, size=(100 + i, 25))) for i in range(5)]
    folds = held_out_pieces(takes, 4, 1.0)
    assert [[len(p) for p in pieces] for _, pieces in folds] == [[100, 104], [101], [102], [103]]
    for kept, pieces in folds:
        assert not {id(t) for t in kept} & {id(p) for p in pieces}
        assert len(kept) + len(pieces) == 5


def test_held_out_stretches_keep_their_distance():
    frames = np.tile(-0.01 * np.arange(2000.0)[:, None], (1, 25))
    for kept, (piece,) in held_out_pieces([Session(frames)], 4, 2.0):
        heard = np.concatenate([np.asarray(take)[:, 0] for take in kept])
        assert np.abs(heard[:, None] - np.asarray(piece)[:, 0]).min() > 1.99


def test_sketches_nearly_keep_distances(rng):
    a, b, c = (sketch(Session(play(i, 6))) for i in (1, 1, 2))
    near = np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))
    far = np.linalg.norm(a.mean(axis=0) - c.mean(axis=0))
    assert near < 0.2 * far
    assert sketch(Session(play(1, 6)[:50])).shape[1] == a.shape[1]


def test_strangeness_is_the_mean_log_distance_of_textures(rng):
    fitted = FamiliarityModel(scales=(0.5,)).fit(play(1, 12))
    (windows,) = windows_of(fitted.features_, Session(play(1, 5)))
    (part,) = fitted.parts_
    total = 0.0
    for row in windows[0.5, "texture"]:
        distances = sorted(np.linalg.norm(row - part.scorer.metric_mean_ - known)
                           for known in part.scorer.memory_)
        total += np.log(max(np.mean(distances[:3]), 0.1))
    expected = total / len(windows[0.5, "texture"]) + 0.2 * np.log(0.5)
    assert strangeness(fitted, [windows]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("scorer", ["kmeans", "gmm", "som"])
def test_every_scorer_can_judge_a_gallery(heard, queries, scorer):
    each = FamiliarityModel(soon(scorer), scales=(1.0,), hop=0.25, random_state=0)
    gallery = SessionGallery(each).fit(heard)
    for name, frames in queries.items():
        assert gallery.rank(frames)[0][0] == name


@pytest.mark.slow
def test_silence_is_a_session_like_any_other(heard, queries):
    gallery = SessionGallery(model()).fit(
        {"anna": heard["anna"], "bert": heard["bert"], "nobody": np.full((2400, 25), -100.0)})
    assert gallery.rank(np.full((500, 25), -100.0))[0][0] == "nobody"
    assert gallery.rank(queries["bert"])[0][0] == "bert"


@pytest.fixture(scope="module")
def many(gallery):
    """Twice as many names, of which the models of two are asked."""
    return deepcopy(gallery).set_params(n_candidates=2).add(
        {f"other{i}": play(20 + i, 24) for i in range(4)})


@pytest.mark.slow
def test_few_candidates_find_the_same_name(many, queries):
    for name, frames in queries.items():
        ranking = many.rank(frames)
        assert len(ranking) == 2
        assert ranking[0][0] == name


@pytest.mark.slow
def test_sketches_of_many_names_are_compared_by_their_means_first(many, queries, monkeypatch):
    monkeypatch.setattr("barkcluster.gallery.candidates._SKETCHES_COMPARED", 4)
    for name, frames in queries.items():
        assert many.rank(frames)[0][0] == name
    fewer = deepcopy(many).remove("anna")
    assert fewer.rank(queries["bert"])[0][0] == "bert"


def test_windows_kept_of_an_exact_loop_are_from_other_moments_of_it(rng):
    loop = np.tile(np.repeat(rng.normal(-40, 10, size=(10, 25)), 5, axis=0), (48, 1))   # 0.5 s
    looped = SessionGallery(FamiliarityModel(scales=(0.7,), hop=0.5)).fit({"loop": loop})
    rows = looped.similarity_matrix()
    assert rows.shape == (1, 1)
    sample = looped.store_.sample("loop")[0.7, "texture"]
    assert len(sample) == 39
    assert len(np.unique(sample.round(3), axis=0)) > 20


def test_saved_and_loaded_answers_the_same(tmp_path, gallery, queries):
    gallery.save(tmp_path / "bands")
    gallery.save(tmp_path / "bands")      # over the first one
    again = load_gallery(tmp_path / "bands")
    assert again.rank(queries["anna"]) == gallery.rank(queries["anna"])
    assert again.identify(play(99, 10)) is None
    np.testing.assert_array_equal(again.similarity_matrix(), gallery.similarity_matrix())
    assert len(list((tmp_path / "bands").iterdir())) == 2 * len(NAMES) + 1
    assert again.model.scales == (0.5, 1.0)


@pytest.mark.slow
def test_a_gallery_in_a_folder_grows_and_shrinks_there(tmp_path, heard, queries, gallery):
    kept = SessionGallery(model(), folder=tmp_path / "bands").fit(
        {name: heard[name] for name in NAMES[:3]})
    load_gallery(tmp_path / "bands").add({"dora": heard["dora"]})
    again = load_gallery(tmp_path / "bands")
    assert again.rank(queries["dora"]) == gallery.rank(queries["dora"])
    again.remove("anna")
    assert load_gallery(tmp_path / "bands").names_ == ["bert", "carl", "dora"]
    assert len(list((tmp_path / "bands").iterdir())) == 2 * 3 + 1
    assert kept.names_ == list(NAMES[:3])


@pytest.mark.slow
def test_names_never_name_files(tmp_path, heard):
    names = {"../../etc/passwd": heard["anna"], "a\nb": heard["bert"]}
    SessionGallery(model(), folder=tmp_path / "g").fit(names)
    assert load_gallery(tmp_path / "g").names_ == list(names)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g"]


@pytest.mark.parametrize("damage", ["cut", "other", "flipped"])
def test_damaged_indexes_are_refused(tmp_path, gallery, damage):
    gallery.save(tmp_path)
    index = tmp_path / "gallery.npz"
    raw = index.read_bytes()
    if damage == "cut":
        index.write_bytes(raw[:len(raw) // 2])
    elif damage == "other":
        index.write_bytes(next(tmp_path.glob("*.model.npz")).read_bytes())
    else:
        index.write_bytes(raw[:200] + bytes([raw[200] ^ 255]) + raw[201:])
    with pytest.raises(ModelFormatError, match=r"gallery\.npz: "):
        load_gallery(tmp_path)


def test_no_gallery_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_gallery(tmp_path)


@pytest.mark.slow
def test_threads_answer_as_one_alone(heard, queries, gallery):
    with joblib.parallel_config(backend="threading", n_jobs=2):
        parallel = SessionGallery(model()).fit(heard)
        assert parallel.rank(queries["bert"]) == gallery.rank(queries["bert"])
        np.testing.assert_array_equal(parallel.similarity_matrix(), gallery.similarity_matrix())


# Folders in which something is wrong


def index_of(n_names, letters=20, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"{i:06d}".ljust(letters, "ä") for i in range(n_names)]
    files = [f"{number:016x}" for number in rng.integers(2 ** 63, size=n_names)]
    return GalleryIndex(
        names, files, rng.normal(size=(n_names, 1, 2)).astype(np.float32),
        [Record.without_summaries(rng.normal(size=i % 3 + 1)) for i in range(n_names)],
        WindowFeatures((0.5, 2.0), 0.5),
        20, 4, 0.05, True)


@pytest.mark.slow
@pytest.mark.parametrize("n_names, letters", [(6_000, 180), (24_000, 20), (100_000, 6), (1, 200)])
def test_an_index_that_saves_loads(tmp_path, n_names, letters):
    index = index_of(n_names, letters)
    write_index(tmp_path / "gallery.npz", index)
    again = read_index(tmp_path / "gallery.npz")
    assert (again.names, again.files) == (index.names, index.files)
    np.testing.assert_array_equal(again.prototypes, index.prototypes)
    assert ([len(record.held_out) for record in again.records]
            == [len(record.held_out) for record in index.records])
    np.testing.assert_array_equal(*(np.concatenate([record.held_out for record in of.records])
                                    for of in (again, index)))
    assert again.features.scales == (0.5, 2.0)


@pytest.mark.parametrize("n_names, letters, message", [
    (100_001, 6, "100000 names at most; got 100001"),
    (3, 201, "1 to 200 characters"),
])
def test_an_index_that_would_not_load_is_not_saved(tmp_path, n_names, letters, message):
    with pytest.raises(ValueError, match=message):
        write_index(tmp_path / "gallery.npz", index_of(n_names, letters))
    assert not list(tmp_path.iterdir())


SUMMARIES = ("n_takes", "n_pieces_heard", "n_numbers")


@pytest.mark.parametrize("version, definition", [(3, 1), (4, 2), (5, 3), (6, 4)])
def test_a_gallery_of_an_older_version_goes_on_comparing_as_it_did(
        tmp_path, gallery, queries, version, definition):
    gallery.save(tmp_path)
    path = tmp_path / "gallery.npz"
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("header.json"))
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored if name != "header.json"}
    del header["comparison"]
    header |= {3: {}, 4: {"as_queries": 1}, 5: {"comparison": 3},
               6: {"comparison": 4}}[version]
    with path.open("wb") as file:
        write_archive(file, {**header, "version": version}, arrays)
    again = load_gallery(tmp_path)
    assert again.comparison_.definition == definition
    again.save(tmp_path / "copy")
    assert load_gallery(tmp_path / "copy").rank(queries["anna"]) == again.rank(queries["anna"])
    assert again.add({"dora": play(77, 25)}).comparison_.definition == 5


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, 2])
def test_an_index_of_older_versions_answers_by_models_alone(tmp_path, gallery, queries, version):
    gallery.save(tmp_path)
    path = tmp_path / "gallery.npz"
    index = read_index(path)
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("header.json"))
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored if name not in (
            "takes", "take_folds", "take_counts", "pieces", "piece_counts", "piece_folds",
            "header.json")}
    for name in ("comparison", *SUMMARIES,
                 *(("n_names", "n_letters") if version == 1 else ())):
        del header[name]
    header["version"] = version
    if version == 1:
        header |= {"names": index.names, "files": index.files,
                   "n_held_out": [len(record.held_out) for record in index.records]}
        arrays = {name: arrays[name] for name in ("prototypes", "held_out")}
    with path.open("wb") as file:
        write_archive(file, header, arrays)
    again = load_gallery(tmp_path)
    for name, frames in queries.items():
        assert again.identify(frames) == name
    assert again.identify(play(99, 10)) is None
    (strangeness_of_all, _) = again.judge(queries["anna"])
    ranking = dict(again.rank(queries["anna"]))
    np.testing.assert_array_equal([ranking[name] for name in again.names_],
                                  again.calibration_.familiarity(strangeness_of_all))
    again.save(tmp_path / "copy")
    assert load_gallery(tmp_path / "copy").rank(queries["anna"]) == again.rank(queries["anna"])


@pytest.mark.slow
def test_files_of_others_are_not_deleted(tmp_path, gallery, heard):
    others = [tmp_path / f"{'0123456789abcdef'}.{kind}.npz" for kind in ("model", "windows")]
    for other in others:
        other.write_bytes(b"mine")
    gallery.save(tmp_path)
    gallery.save(tmp_path)
    SessionGallery(model(), folder=tmp_path).fit({name: heard[name] for name in NAMES[:2]})
    assert all(other.read_bytes() == b"mine" for other in others)
    assert len(list(tmp_path.iterdir())) == 2 + 2 * 2 + 1


def test_a_model_file_that_is_missing(tmp_path, gallery, queries):
    gallery.save(tmp_path)
    loaded = load_gallery(tmp_path)
    missing = tmp_path / f"{loaded.store_.kept['carl']}.model.npz"
    missing.unlink()
    with pytest.raises(ModelFormatError, match="is named in the gallery's index, and not there"):
        loaded.rank(queries["carl"])
    with pytest.raises(ModelFormatError, match=f"names {missing.name}, which is not there"):
        load_gallery(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("other", [
    {"frame_rate": 50.0}, {"hop": 0.5}, {"scales": (0.5, 3.0)}])
def test_models_of_other_windows_are_refused_when_loaded(tmp_path, gallery, heard, queries, other):
    gallery.save(tmp_path)
    name = load_gallery(tmp_path).store_.kept["bert"]
    foreign = clone(model()).set_params(**other).fit(heard["bert"])
    foreign.save(tmp_path / f"{name}.model.npz")
    with pytest.raises(ModelFormatError, match="must be a model of the gallery's windows"):
        load_gallery(tmp_path).rank(queries["bert"])


def test_windows_of_others_are_refused_when_loaded(tmp_path, gallery):
    gallery.save(tmp_path)
    loaded = load_gallery(tmp_path)
    folder, name = GalleryFolder(tmp_path), loaded.store_.kept["bert"]
    strange = folder.write_entry(loaded.model_of("bert"), {(0.5, "texture"): np.zeros((3, 7))},
                                 folder.new_name())
    os.replace(tmp_path / f"{strange}.windows.npz", tmp_path / f"{name}.windows.npz")
    with pytest.raises(ModelFormatError, match="got 7 columns of texture at 0.5 s"):
        loaded.similarity_matrix()


@pytest.fixture
def kept(tmp_path, gallery):
    """The gallery in a folder."""
    gallery.save(tmp_path)
    return load_gallery(tmp_path)


def test_a_gallery_saved_into_its_own_folder_can_still_be_added_to(tmp_path, kept, heard):
    kept.save(tmp_path)
    kept.save(os.path.relpath(tmp_path))
    kept.add({"eva": heard["anna"]})
    assert load_gallery(tmp_path).names_ == [*NAMES, "eva"]
    assert len(list(tmp_path.iterdir())) == 2 * 5 + 1


@pytest.mark.parametrize("bad", [np.zeros((10, 25)), Session(np.zeros((600, 25)), 50.0)],
                         ids=["too short", "another rate"])
def test_what_cannot_be_learned_leaves_no_files_behind(tmp_path, kept, heard, bad):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"must"):
        kept.add({"eva": heard["carl"], "bad": bad})
    assert sorted(tmp_path.iterdir()) == before and kept.names_ == list(NAMES)


def test_a_folder_that_cannot_be_written_leaves_the_gallery_as_it_was(tmp_path, kept, heard,
                                                                      queries, monkeypatch):
    before = sorted(tmp_path.iterdir())

    def full(*args):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr("barkcluster.gallery.folder.write_index", full)
        kept.add({"eva": heard["anna"]})
    assert sorted(tmp_path.iterdir()) == before
    assert kept.names_ == list(NAMES) and kept.identify(queries["carl"]) == "carl"


def test_what_another_program_changed_meanwhile_is_not_lost(tmp_path, kept, heard):
    other = load_gallery(tmp_path)
    kept.remove("dora")
    with pytest.raises(ValueError, match="another program has changed it. Load it again"):
        other.add({"eva": heard["anna"]})
    with pytest.raises(ValueError, match="another program has changed it. Load it again"):
        other.remove("anna")
    assert load_gallery(tmp_path).names_ == ["anna", "bert", "carl"]


@pytest.mark.parametrize("kind", ["objects", "frames"])
def test_arrays_of_sessions_are_lists_of_them(heard, kind):
    frames = [np.asarray(session)[:1000] for session in heard.values()]
    sessions = np.array(frames)
    if kind == "objects":
        sessions = np.empty(len(frames), dtype=object)
        sessions[:] = [Session(some) for some in frames]
    takes = by_name(sessions, np.array(list(heard)))
    assert list(takes) == list(heard)
    assert all(np.array_equal(one, np.asarray(take)) for (take,), one in zip(
        takes.values(), frames, strict=True))
    with pytest.raises(ValueError, match="with the name of each in y; got ndarray"):
        by_name(frames[0], ["anna"] * len(frames[0]))
    with pytest.raises(ValueError, match="with the name of each in y; got Session"):
        by_name(Session(frames[0]), ["anna"] * len(frames[0]))


def test_a_name_for_each_session_is_asked_for(heard):
    with pytest.raises(ValueError, match="y must have a name for each of the 1 sessions; got 2"):
        SessionGallery(model()).fit([heard["anna"]], ["anna", "bert"])
