"""Scorers side by side."""

import numpy as np
import pytest
from scipy.stats import rankdata

from barkcluster import SCORERS, KMeansScorer, KNNDensityScorer, Session, compare_scorers
from barkcluster.comparison import auc, rank_agreement
from barkcluster.synthetic import make_session

SCALES = (0.5, 1.0, 2.0)


@pytest.fixture(scope="module")
def jam():
    return make_session(1.2, random_state=2)


@pytest.fixture(scope="module")
def compared(jam):
    session, known = jam
    return compare_scorers(session, surprises=known, train=known.clean_stop, scales=SCALES)


@pytest.mark.slow
def test_a_row_for_each_scorer_in_their_order(compared):
    assert [row.scorer for row in compared] == list(SCORERS) == list(compared.models)
    assert len(compared) == len(compared[1:]) + 1 == 4
    for row in compared:
        assert 0 < row.below_005 + row.mean and row.below_005 <= row.below_02
        assert row.fit_s > 0 and row.speed > 1


@pytest.mark.slow
def test_surprises_are_told_from_the_rest_of_the_session(compared):
    assert all(row.auc > 0.8 and row.auc_short > 0.7 for row in compared)


@pytest.mark.slow
def test_figures_are_those_of_the_timeline(jam, compared):
    timeline, (row, *_) = compared.timelines["kmeans"], compared
    calm = timeline.familiarity[~jam[1].surprise_mask(timeline.times, SCALES[-1])]
    assert row.mean == pytest.approx(calm.mean())
    assert row.below_02 == pytest.approx((calm < 0.2).mean())
    assert timeline.times[0] > jam[1].clean_stop


@pytest.mark.slow
def test_intrusions_have_an_auc_each(jam):
    session, other = jam[0], make_session(0.3, random_state=9)[0]
    compared = compare_scorers(session, ["knn"], intrusions=[other, session.between(0, 20)],
                               scales=SCALES)
    strange, known = compared.auc_of_intrusions["knn"]
    assert strange > 0.8 > known
    assert known < compared[0].auc < strange


def test_scorers_of_ones_own_and_nothing_strange(jam):
    compared = compare_scorers(jam[0], {"few": KMeansScorer(n_clusters=2)}, scales=(0.5,))
    assert [row.scorer for row in compared] == ["few"]
    assert np.isnan([compared[0].auc, compared[0].auc_short, compared[0].agreement]).all()
    assert "AUC" not in str(compared) and "agreement" not in str(compared)


@pytest.mark.slow
def test_agreement_is_the_correlation_of_ranks(compared):
    ranks = [rankdata(timeline.familiarity) for timeline in compared.timelines.values()]
    np.testing.assert_allclose(compared.agreement, np.corrcoef(ranks))
    assert compared[0].agreement == pytest.approx(compared.agreement[0, 1:].mean())


@pytest.mark.slow
def test_who_says_one_number_of_everything_agrees_with_nobody(compared):
    timeline = compared.timelines["knn"]
    constant = type(timeline)(timeline.times, np.full(len(timeline.times), 0.5),
                              timeline.by_scale, timeline.scales)
    assert np.isnan(rank_agreement([timeline, constant])[0, 1])


def test_what_is_learned_is_told_step_by_step(jam):
    steps = []
    compare_scorers(jam[0], {"a": KNNDensityScorer(), "b": "knn"}, scales=(0.5,),
                    on_step=steps.append)
    assert steps == ["learning with a", "learning with b"]


def test_nothing_left_to_score_is_said(jam):
    with pytest.raises(ValueError, match="train must leave something to score.*got 90 s"):
        compare_scorers(jam[0], train=90)
    with pytest.raises(ValueError, match="train must leave a window .*, 0.5 s, to score; got 0.1"):
        compare_scorers(jam[0], train=71.9)


def test_an_intrusion_that_cannot_be_scored_is_named_before_anything_is_learned(jam):
    session, told = jam[0], []
    for other, message in (
            (session.between(0, 0.2), r"intrusions\[1\] \(synth.*\) must cover .* 0.5 s; got 0.2"),
            (Session(session.frames, 50.0), r"intrusions\[1\] must come at 100 frames a second"),
            (session.frames[:, :10], r"intrusions\[1\] must have shape")):
        with pytest.raises(ValueError, match=message):
            compare_scorers(session, ["knn"], intrusions=[session, other], on_step=told.append)
    assert not told


@pytest.mark.slow
def test_print_shows_a_table(compared):
    lines = str(compared).splitlines()
    assert lines[0].split() == ["scorer", "mean", "<", "0.05", "<", "0.2", "AUC", "AUC", "1", "s",
                                "fit", "real", "time", "agreement"]
    assert [line.split()[0] for line in lines[1:]] == list(SCORERS)


@pytest.mark.slow
def test_rows_become_a_data_frame(compared):
    pandas = pytest.importorskip("pandas")
    frame = compared.to_frame()
    assert list(frame.index) == list(SCORERS)
    assert frame.loc["knn", "auc"] == compared[3].auc
    assert list(pandas.DataFrame(compared).columns)[:2] == ["scorer", "mean"]


def test_ties_count_half():
    assert auc(np.array([0.1, 0.5]), np.array([0.5])) == 0.75
    assert np.isnan(auc(np.empty(0), np.ones(2)))
