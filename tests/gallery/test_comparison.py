"""Whole sessions: their summaries, the metric that is learned, whose takes are told apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import cross_val_score

from barkcluster import FamiliarityModel, Session, SessionGallery, load_gallery, write_session
from barkcluster.gallery import NONE_OF_THEM, Answer, Evaluation, SessionComparison
from barkcluster.gallery.comparison import Record
from barkcluster.gallery.entry import decisive_seconds, strangeness, strangeness_to, windows_of
from barkcluster.gallery.held_out import folds_of
from barkcluster.gallery.summary import n_summary_numbers, summarize

BANDS = ("anna", "bert", "carl")


def play(band, evening, seconds=8, room=6.0):
    """A band has its notes and how often it plays them; an evening has its room."""
    own = np.random.default_rng([1, band])
    notes = own.normal(-45, 5, size=(4, 25))
    rng = np.random.default_rng([2, band, evening])
    frames = np.repeat(notes[rng.integers(4, size=4 * seconds)], 25, axis=0)
    # Rooms differ more than bands do, and all in one way: a tilt.
    frames = frames + rng.normal(0, room) * np.linspace(-1, 1, 25)
    return Session(frames + rng.normal(0, 2, size=frames.shape), name=f"{band}-{evening}")


@pytest.fixture(scope="module")
def takes():
    return {name: [play(i, evening) for evening in range(4)] for i, name in enumerate(BANDS)}


def gallery():
    return SessionGallery(FamiliarityModel(scales=(0.5,), hop=0.25, random_state=0))


def record(takes):
    takes = np.asarray(takes, np.float32)
    if len(takes) == 1:
        return replace(Record.without_summaries(np.empty(0)), takes=takes,
                       take_folds=np.array([-1], np.int32))
    pieces = np.stack([np.stack([take, np.delete(takes, i, axis=0).mean(axis=0)])
                       for i, take in enumerate(takes)])
    folds = np.arange(len(takes), dtype=np.int32)
    return Record(np.zeros(len(takes)), takes, pieces, folds, folds)


@pytest.fixture(scope="module")
def evaluation(takes):
    return gallery().evaluate(takes, n_folds=4)


def test_summaries_say_level_movement_and_correlation(rng):
    common = rng.normal(0, 5, size=(1000, 1))
    frames = np.full((1000, 25), -40.0)
    frames[:, :2] += common
    frames[:, 2] -= common[:, 0]
    numbers = summarize(Session(frames))
    assert numbers.shape == (n_summary_numbers(25),)
    moves = numbers[25:225].reshape(8, 25)
    assert np.all(moves[:, :3] > 2.0) and np.all(moves[:, 3:] < -4.0)
    correlation = numbers[250:]
    assert correlation[0] == pytest.approx(2 * 25 / 26, abs=0.02)
    assert correlation[1] == pytest.approx(-2 * 25 / 26, abs=0.02)
    np.testing.assert_allclose(correlation[2:24], 0.0, atol=1e-6)


def test_summaries_of_softer_sessions_are_nearly_the_same():
    session = play(0, 0)
    softer = Session(np.asarray(session) - 6.0)
    apart = np.linalg.norm(summarize(session) - summarize(softer))
    assert apart < 0.5 * np.linalg.norm(summarize(session) - summarize(play(1, 0)))


@pytest.mark.parametrize("n_frames", [1, 2, 30])
def test_summaries_of_the_shortest_sessions_are_finite(n_frames):
    assert np.all(np.isfinite(summarize(Session(np.full((n_frames, 25), -100.0)))))


def test_no_change_is_heard_across_a_gap(rng):
    frames = rng.normal(-40, 1, size=(800, 25))
    frames[400:] += 30.0
    whole, parted = Session(frames), Session(frames, gaps=[(400, 1000)])
    steps = slice(25, 50)
    assert np.all(summarize(parted)[steps] < summarize(whole)[steps])


def test_the_metric_forgets_what_differs_between_takes_of_a_name(rng):
    # Names differ in the second number, takes in the first and by far more.
    names = {name: np.column_stack([rng.normal(0, 50, size=40), rng.normal(30 * i, 1, size=40)])
             for i, name in enumerate("abc")}
    learned = SessionComparison().fit({name: record(rows) for name, rows in names.items()})
    plain = SessionComparison().fit({name: record(rows[:1].repeat(2, axis=0))
                                     for name, rows in names.items()})
    queries = [(rng.normal(0, 50), 30.0 * i) for i in range(3) for _ in range(20)]
    said = [[np.argmin(one.log_distances(q)) for q in queries] for one in (learned, plain)]
    truth = np.repeat(np.arange(3), 20)
    assert np.mean(said[0] == truth) > 0.9 > 0.7 > np.mean(said[1] == truth)
    assert learned.n_more_ == 39.0


def test_held_out_pieces_of_older_galleries_are_weighed_as_they_were(rng):
    """By the metric of fewer takes, in which models count more; then as queries are."""
    names = {name: record(rng.normal(3 * i, 1, size=(4, 6))) for i, name in enumerate("ab")}
    second, first = (SessionComparison(definition).fit(names) for definition in (2, 1))
    for name in names:
        # Models say 0 of all these pieces: what is left is the summaries' share.
        assert np.all(names[name].held_out == 0.0)
        ratio = second.held_out_[name] / first.held_out_[name]
        np.testing.assert_allclose(ratio, ratio[0])
        assert ratio[0] > 1.05
    assert second.n_more_ == 3.0


def test_a_held_out_take_is_judged_by_all_other_takes(rng):
    """Whole folds were left out: of two takes a name nothing was learned without one of them."""
    takes = {name: rng.normal(2 * i, 1, size=(2, 6)).astype(np.float32)
             for i, name in enumerate("abc")}
    learned = SessionComparison().fit({name: record(rows) for name, rows in takes.items()})
    distances = []
    for name, rows in takes.items():
        for i, row in enumerate(rows):
            others = {**takes, name: np.delete(rows, i, axis=0)}
            without = SessionComparison.uncalibrated(
                {other: record(some) for other, some in others.items()})
            distances.append(without.log_distances(row).min())
    # Six takes of three names: without a take, two of three are free to tell the unit.
    middle = np.mean(distances)
    expected = middle + 2 / 3 * (np.array(distances) - middle)
    # The models say 0, and count .2 beside the summaries.
    np.testing.assert_allclose(np.concatenate(list(learned.held_out_.values())), expected / 1.2)


def test_a_session_is_stranger_to_all_names_the_farther_in_what_they_differ_in(rng):
    """The order of names stays as it is without."""
    takes = {name: rng.normal(3 * i, 1, size=(4, 6)) for i, name in enumerate("abc")}
    names = {name: record(rows) for name, rows in takes.items()}
    newest, plain = (SessionComparison(definition).fit(names) for definition in (4, 3))
    # Three names lie in a plane; straight up from it all names are as near there as below.
    middles = [rows.mean(axis=0) for rows in takes.values()]
    in_plane = middles[2] + 4.0 * (middles[2] - middles[0])
    added = [newest.log_distances(query) - plain.log_distances(query)
             for query in (middles[0], 0.5 * (middles[0] + middles[1]), in_plane)]
    for one in added:
        np.testing.assert_allclose(one, one[0], atol=1e-9)
    assert added[0][0] == pytest.approx(0.0, abs=1e-6)
    assert 0.1 < added[1][0] < added[2][0]


@pytest.mark.parametrize("n_others", [0, 3])
def test_two_takes_of_one_name_alone_are_held_out_in_the_unit_of_queries(rng, n_others):
    """Held out from a metric that had no other two, they were 1.6 farther than any stranger."""
    spread = np.linspace(1.0, 8.0, 40)
    names = {str(i): record(rng.normal(30.0 * i, spread, size=(2 if i == 0 else 1, 40)))
             for i in range(n_others + 1)}
    comparison = SessionComparison().fit(names)
    old = SessionComparison(4).fit(names)
    stranger = rng.normal(200.0, spread, size=40)
    assert comparison.n_more_ == 0.0 < old.n_more_
    strange = comparison.judge(np.zeros(n_others + 1), stranger).min()
    own = comparison.judge(np.zeros(n_others + 1), rng.normal(0.0, spread)).min()
    assert own < comparison.held_out_["0"].max() + 0.5 < strange


def test_one_name_alone_has_no_axes_to_other_names(rng):
    one = {"a": record(rng.normal(size=(4, 6)))}
    query = rng.normal(size=6)
    said = [SessionComparison(definition).fit(one).log_distances(query) for definition in (4, 3)]
    np.testing.assert_array_equal(*said)


def test_of_more_names_than_numbers_the_axes_are_all_there_are(rng):
    names = {str(i): record(rng.normal(size=(1, 3)) * 4 + rng.normal(size=(2, 3)))
             for i in range(8)}
    newest, plain = (SessionComparison(definition).fit(names) for definition in (4, 3))
    query = rng.normal(size=3) * 4
    nearest = float(np.exp(plain.log_distances(query).min()))
    # Of two takes each, the mean is uncertain by a half of what one is.
    expected = 0.125 * np.log1p(1.5 * nearest ** 2)
    np.testing.assert_allclose(
        newest.log_distances(query) - plain.log_distances(query), expected)


@pytest.mark.slow
def test_false_alarms_are_as_many_as_asked_for_in_small_galleries():
    """They were half as many at 10 % of twenty takes, and none where names had two."""
    rng = np.random.default_rng(0)
    spread = 6.0 / np.sqrt(np.arange(1, 31))
    found = []
    for n_names, n_takes in 15 * [(3, 2), (5, 3), (4, 5)]:
        middles = rng.normal(size=(n_names, 1, 30)) * spread
        takes = middles + rng.normal(size=(n_names, n_takes, 30)) * spread
        learned = SessionComparison().fit({str(i): record(some) for i, some in enumerate(takes)})
        queries = middles + rng.normal(size=(n_names, 4, 30)) * spread
        said = [learned.judge(np.zeros(n_names), query).min() for query in queries.reshape(-1, 30)]
        familiarity = learned.calibration_.familiarity(said)
        found.append([np.mean(familiarity < rate) for rate in (0.05, 0.1, 0.2)])
    shares = np.mean(found, axis=0) / (0.05, 0.1, 0.2)
    assert np.all((shares > 0.5) & (shares < 1.5))


def test_distances_are_those_of_the_shrunk_covariance_within_names(rng):
    """Of more takes than numbers, where the metric is learned without looking for its axes."""
    takes = [rng.normal(i, 1, size=(6, 4)).astype(np.float32) for i in range(3)]
    query = rng.normal(size=4)
    learned = SessionComparison(2).fit({str(i): record(rows) for i, rows in enumerate(takes)})
    apart = np.concatenate([rows - rows.mean(axis=0) for rows in takes]).astype(np.float64)
    # Eighteen takes of three names: fifteen are free.
    within = LedoitWolf(assume_centered=True).fit(apart * np.sqrt(18 / 15)).covariance_
    expected = [0.5 * np.log((query - rows.mean(axis=0)) @ np.linalg.inv(within)
                             @ (query - rows.mean(axis=0)) / (1 + 1 / 6)) for rows in takes]
    np.testing.assert_allclose(learned.log_distances(query), expected, rtol=1e-5)


def test_a_name_without_summaries_leaves_all_to_the_models(rng):
    comparison = SessionComparison().fit({
        "old": Record.without_summaries(np.array([1.0, 2.0])),
        "new": record(rng.normal(size=(3, 4)))})
    np.testing.assert_array_equal(comparison.judge([3.0, 1.0], np.zeros(4)), [3.0, 1.0])
    np.testing.assert_array_equal(comparison.calibration_.novelty_, [0, 0, 0, 1, 2])


def test_the_metric_of_a_gallery_tells_bands_from_rooms(takes):
    learned = gallery().fit({name: some[:3] for name, some in takes.items()})
    assert learned.comparison_.n_more_ == 2.0
    for i, name in enumerate(BANDS):
        assert learned.identify(play(i, 9)) == name
    assert learned.identify(Session(np.random.default_rng(5).normal(-60, 15, (800, 25)))) is None


@pytest.mark.slow
def test_a_gallery_with_takes_is_the_same_from_its_folder(tmp_path, takes):
    learned = gallery().fit(takes)
    learned.save(tmp_path)
    again = load_gallery(tmp_path)
    query = play(1, 9)
    assert again.rank(query) == learned.rank(query)
    np.testing.assert_array_equal(again.calibration_.novelty_, learned.calibration_.novelty_)
    again.remove("anna")
    assert again.rank(query) == learned.remove("anna").rank(query)


@pytest.mark.slow
def test_no_take_is_on_both_sides(takes, monkeypatch):
    asked, heard = [], []
    fit, judge = SessionGallery.fit, SessionGallery.judge
    monkeypatch.setattr(SessionGallery, "fit", lambda self, sessions: heard.append(
        {take.name for some in sessions.values() for take in some}) or fit(self, sessions))
    monkeypatch.setattr(SessionGallery, "judge", lambda self, take: asked.append(
        (len(heard) - 1, take.name)) or judge(self, take))
    gallery().evaluate(takes, n_folds=2)
    assert sorted(name for _, name in asked) == sorted(
        take.name for some in takes.values() for take in some)
    assert all(name not in heard[fold] for fold, name in asked)


def test_folds_hold_out_every_take_once_but_only_ones_never():
    counts = {"a": 7, "b": 1, "c": 2, "d": 5}
    folds = list(folds_of(counts, 3))
    for name, n in counts.items():
        said = sorted(i for fold in folds for i in fold.get(name, ()))
        assert said == (list(range(n)) if n > 1 else [])
        assert all(len(fold.get(name, ())) < n for fold in folds)


@pytest.mark.slow
def test_evaluation_finds_bands_and_strangers(evaluation):
    assert evaluation.accuracy > 0.9
    assert evaluation.confusion.shape == (3, 4)
    assert evaluation.confusion.sum() == 12
    assert set(evaluation.stranger_auc) == set(BANDS)
    assert evaluation.mean_stranger_auc > 0.8
    assert len({answer.session for answer in evaluation.answers}) == 12


def test_confusion_is_right_on_a_case_made_by_hand(tmp_path):
    def answer(truth, nearest, said, familiarity=0.5):
        return Answer("s", truth, nearest, said, familiarity, 0.25, 1.0, 2.0)

    evaluation = Evaluation(["a", "b"], [
        answer("a", "a", "a"), answer("a", "b", "b", 0.75), answer("a", "b", "b"),
        answer("b", "b", NONE_OF_THEM, 0.01)], 0.05, {})
    np.testing.assert_array_equal(evaluation.confusion, [[1, 2, 0], [0, 0, 1]])
    assert evaluation.accuracy == 0.5
    assert evaluation.balanced_accuracy == pytest.approx(2 / 3)
    assert evaluation.false_alarms == 0.25
    assert [a.familiarity for a in evaluation.mistakes] == [0.75, 0.5, 0.01]
    evaluation.to_csv(tmp_path / "said.csv")
    lines = (tmp_path / "said.csv").read_text().splitlines()
    assert lines[0] == "session,truth,nearest,said,familiarity,familiarity_of_truth,start,stop"
    assert lines[2] == "s,a,b,b,0.75,0.25,1.0,2.0"


def test_a_name_that_is_said_and_never_asked_about_is_no_warning():
    answers = [Answer("s", "a", "a", "a", 0.5, 0.5, np.nan, np.nan),
               Answer("t", "a", "only take", "only take", 0.5, 0.4, 1.0, 2.0)]
    assert Evaluation(["a", "only take"], answers, 0.05, {}).balanced_accuracy == 0.5


def test_files_of_the_same_name_are_told_apart_by_their_folders(takes, tmp_path):
    paths = {}
    for name in BANDS[:2]:
        paths[name] = [tmp_path / name / day / "01.txt" for day in ("monday", "tuesday")]
        for path, take in zip(paths[name], takes[name], strict=False):
            path.parent.mkdir(parents=True)
            write_session(take, path)
    found = gallery().evaluate(paths, n_folds=2)
    assert sorted(answer.session for answer in found.answers if answer.truth == "bert") == [
        str(Path("monday", "01.txt")), str(Path("tuesday", "01.txt"))]


def test_a_copy_on_the_other_side_of_an_evaluation_is_warned_of(takes):
    some = {"anna": takes["anna"][:2], "bert": [*takes["bert"][:2], takes["anna"][0]]}
    with pytest.warns(UserWarning, match="2 of 5 sessions that were held out were learned as "
                      "well: 0-0 of 'anna' as a take of 'bert'; 0-0 of 'bert' as"):
        gallery().evaluate(some, n_folds=3)


def test_the_seconds_of_a_mistake_are_where_it_sounds_like_the_other():
    models = [FamiliarityModel(scales=(0.5,), random_state=0).fit(play(i, 0, 12, room=0.0))
              for i in (1, 0)]
    frames = np.concatenate([np.asarray(play(0, 5, 4, room=0.0)),
                             np.asarray(play(1, 5, 2, room=0.0))])
    start, stop = decisive_seconds(*models, Session(frames, start=10.0))
    assert 13.5 <= start < stop <= 16.0
    assert stop - start == pytest.approx(0.5)


@pytest.mark.slow
def test_evaluation_leaves_out_what_cannot_be_read_and_says_why(takes, tmp_path):
    broken = tmp_path / "broken.txt"
    broken.write_text("no session\n")
    some = {name: [*takes[name][:3], *([broken, takes[name][3].between(0, 0.3)] if name == "bert"
                                       else [])] for name in BANDS}
    found = gallery().evaluate(some, n_folds=4, on_error="skip")
    assert len(found.answers) == 9
    assert set(found.stranger_auc) == set(BANDS)
    assert sorted(found.skipped) == sorted(["bert, take 5", str(broken)])
    with pytest.raises(ValueError, match=r"broken\.txt"):
        gallery().evaluate(some, n_folds=4)
    with pytest.raises(ValueError, match="on_error must be 'raise' or 'skip'; got 'stop'"):
        gallery().evaluate(takes, on_error="stop")


def test_evaluation_goes_on_where_a_name_cannot_be_learned_in_one_fold(takes, tmp_path):
    broken = tmp_path / "broken.txt"
    broken.write_text("no session\n")
    some = {**takes, "carl": [takes["carl"][0], broken]}
    found = gallery().evaluate(some, n_folds=2, on_error="skip")
    assert set(found.skipped) == {str(broken)}
    assert sum(answer.truth != "carl" for answer in found.answers) == 8
    assert 0.0 <= found.mean_stranger_auc <= 1.0


def test_a_fit_that_skips_forgets_the_rate_of_an_earlier_fit():
    def at(rate, seed):
        rng = np.random.default_rng(seed)
        return Session(rng.normal(-40 - seed, 5, size=(int(10 * rate), 25)), rate)

    some = gallery().set_params(on_error="skip").fit({"a": at(100.0, 0), "b": at(100.0, 1)})
    some.fit({"c": at(50.0, 2), "d": at(50.0, 3)})
    assert (some.names_, some.frame_rate_, some.skipped_) == (["c", "d"], 50.0, {})


def test_names_with_one_take_each_cannot_be_evaluated():
    with pytest.raises(ValueError, match="two names with several takes"):
        gallery().evaluate({"a": [play(0, 0)], "b": [play(1, 0), play(1, 1)]})
    with pytest.raises(ValueError, match="n_folds must be at least 2; got 1"):
        gallery().evaluate({"a": [play(0, 0)]}, n_folds=1)


@pytest.mark.slow
def test_model_selection_of_scikit_learn_drives_a_gallery(takes):
    sessions = [take for some in takes.values() for take in some]
    names = [name for name, some in takes.items() for _ in some]
    order = np.random.default_rng(0).permutation(len(names))
    scores = cross_val_score(gallery(), [sessions[i] for i in order], [names[i] for i in order],
                             cv=2)
    assert scores.shape == (2,) and scores.mean() > 0.6
    # One name after another: folds of a classifier hold some of each. Of "none of them", which is
    # no name, scikit-learn warns.
    assert cross_val_score(gallery().set_params(false_alarm_rate=0.01), sessions, names, cv=2,
                           scoring="balanced_accuracy").mean() > 0.6
    with pytest.raises(ValueError, match="a list with the name of each in y; got list without y"):
        gallery().fit(sessions)


def test_held_out_pieces_are_judged_by_parts_of_the_models_that_a_fit_would_learn(takes):
    learned = gallery().fit({"anna": takes["anna"][:3]})
    for i, said in enumerate(learned.records_["anna"].held_out):
        others = [take for j, take in enumerate(takes["anna"][:3]) if j != i]
        model = learned.model.fit(others)
        windows = windows_of(model.features_, takes["anna"][i])
        assert said == strangeness(model, windows)


def test_one_take_alone_makes_the_rhythm_of_another_no_stranger():
    """In spreads of one short take's few windows, the rhythm of any other was far away."""
    loop = np.tile(np.asarray(play(0, 0, 2)), (6, 1))
    loop += np.random.default_rng(3).normal(0, 0.5, loop.shape)
    evenings = [Session(loop), play(0, 1, 12)]
    learned = SessionGallery(FamiliarityModel(scales=(3.0,), hop=0.25, random_state=0)).fit(
        {"anna": evenings})
    texture, whole = [], []
    for evening, other in zip(evenings, evenings[::-1], strict=True):
        model = learned.model.fit(other)
        windows = windows_of(model.features_, evening)
        whole.append(strangeness(model, windows))
        texture.append(strangeness_to([part for part in model.parts_ if part.view == "texture"],
                                      model.scales_, windows))
    assert min(np.subtract(texture, whole)) < 0
    np.testing.assert_array_equal(learned.records_["anna"].held_out, np.minimum(texture, whole))


def test_the_metric_of_copies_alone_is_the_plain_one_without_a_warning(rng):
    """Where nothing differed, shares of it were divided by nothing."""
    copies = record(rng.normal(size=(1, 6)).repeat(3, axis=0))
    learned = SessionComparison().fit({"a": copies})
    np.testing.assert_allclose(learned.log_distances(copies.takes[0] + [3, 4, 0, 0, 0, 0]),
                               np.log(5.0) - 0.5 * np.log1p(1 / 3), atol=1e-6)
    np.testing.assert_array_equal(learned.places(copies.takes), np.zeros((3, 2)))


def test_music_that_two_takes_of_a_name_hold_is_warned_of_once():
    """Each of the models that pieces are held out of warned again, in numbers of its own."""
    evenings = [play(0, 0, 24), play(0, 1, 12), play(0, 0, 24)]
    with pytest.warns(UserWarning) as found:
        gallery().fit({"anna": evenings})
    assert len(found) == 1
    assert "hold the same" in str(found[0].message)
