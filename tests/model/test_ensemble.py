"""The formulas that make one number of views and scales, beside loops that say the same."""

import pickle

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.signal import lfilter

from barkcluster import FamiliarityModel
from barkcluster.frames import Session
from barkcluster.model.ensemble import Combination, is_playing, onset_energy, pattern_score
from barkcluster.synthetic import make_session
from barkcluster.windows import PATTERNS, WindowLayout


@pytest.fixture(scope="module")
def jam():
    return make_session(1, random_state=3)[0]


def naive_scores(model, frames, stop):
    """Strangeness of each scale whose window ends after ``stop`` frames, window by window."""
    ensemble, views = model.ensemble_, model.features_.transform_views(frames)
    hop = ensemble.features.hop_frames

    def view_score(b, end):
        view = views[b]
        (row,) = np.flatnonzero(np.isclose(view.times, end / ensemble.frame_rate))
        scorer = ensemble.parts[b].scorer
        X = view.X[row:row + 1].astype(float)
        novelty = scorer.novelty(X)[0]
        median, high = np.quantile(scorer.calibration_.novelty_, [0.5, 0.95])
        if novelty <= median:
            return float(scorer.calibration_.strangeness([novelty])[0]), X
        far = (novelty - median) / max(0.2, high - median)
        return 1.6448536 * ((1.0 + far) ** 0.5 - 1.0) / (2.0 ** 0.5 - 1.0), X

    blocks, by_scale = ensemble.features.blocks, []
    for i, length in enumerate(ensemble.features.scale_frames):
        total, weight = view_score(blocks.index((i, "texture")), stop)[0], 1.0
        if (i, "rhythm") in blocks:
            total += 2 * view_score(blocks.index((i, "rhythm")), stop)[0]
            weight += 2
        if length >= 200:
            above, below, ends = 0.0, 0.0, range(stop, stop - length + 200 - 1, -hop)
            for end in ends:
                for b, (_, view) in enumerate(blocks):
                    if view in PATTERNS:
                        z, X = view_score(b, end)
                        energy = min(1.0, float(np.mean(X ** 2)))
                        above, below = above + z * energy / 6, below + energy / 6
            total += 3 * (above / len(ends)) / (below / len(ends) + 0.05)
            weight += 3
        by_scale.append(total / weight)
    return by_scale


@pytest.mark.slow
def in_common_unit(calibration, score):
    median, high = np.quantile(calibration.novelty_, [0.5, 0.95])
    return 1.6448536 * (score - median) / max(0.2, high - median)


def naive_lately(model, frames, stop):
    """What half a second was, on average of ten seconds until two ago; 0 before the first."""
    (view,) = (v for v in model.features_.transform_views(frames)
               if (v.scale, v.view) == (0.5, "texture"))
    ends = np.arange(stop - 200, stop - 1200, -10) / 100
    rows = [int(np.flatnonzero(np.isclose(view.times, end))[0]) for end in ends if end >= 0.5]
    view_scores = model.ensemble_.view_scores
    scores = view_scores.of_novelty(view_scores.novelty_of(
        [v.X for v in model.features_.transform_views(frames)]))
    texture = scores[0, scores.shape[1] - len(view.X):]
    return sum(in_common_unit(model.scale_calibrations_[0], texture[row]) for row in rows) / 100


def test_timeline_is_what_the_written_out_sums_say(jam):
    model = FamiliarityModel(scales=(0.5, 2.0, 5.0)).fit(jam.between(0, 40))
    heard = Session(jam.frames[4000:4900])
    timeline = model.timeline(heard)
    for stop in (500, 620, 900):
        row = int(np.flatnonzero(np.isclose(timeline.times, stop / 100))[0])
        scores = naive_scores(model, heard, stop)
        moments, common = model.ensemble_.moments, []
        for calibration, score in zip(model.scale_calibrations_, scores, strict=True):
            common.append(in_common_unit(calibration, score))
        mean = moments.means[2].strangeness([np.dot([0.5, 2.0, 5.0], common) / 7.5])[0]
        sudden = moments.sudden.strangeness([common[0]])[0]
        sudden -= 0.25 + max(0.0, -1.0 - mean)
        called_strange = brentq(
            lambda z: model.calibrations_[2].familiarity([z])[0] - 0.045, -10.0, 40.0)
        limit = max(1.85, called_strange)
        lately = max(0.0, moments.sudden.strangeness([naive_lately(model, heard, stop)])[0])
        moment = max(mean, min(sudden, limit) + 0.05 * mean + max(0.0, sudden - limit - lately))
        for i, score in enumerate(scores):
            expected = model.scale_calibrations_[i].familiarity([score])
            assert timeline.by_scale[row, i] == pytest.approx(expected[0], rel=1e-6)
        expected = model.calibrations_[2].familiarity([moment])
        assert timeline.familiarity[row] == pytest.approx(expected[0], rel=1e-6)


def test_which_block_each_scale_listens_to():
    layout = WindowLayout(scales=(0.5, 1.0, 3.0, 10.0))
    combination = Combination(layout)
    for i, b in enumerate(combination.texture):
        assert layout.blocks[b] == (i, "texture")
    assert [layout.blocks[b][1] for b in combination.patterns] == list(PATTERNS)
    assert combination.pattern_counts == [0, 0, 11, 81]


def test_scales_too_short_for_patterns_have_none():
    combination = Combination(WindowLayout(scales=(0.5, 1.0)))
    assert (combination.patterns, combination.pattern_counts) == ([], [0, 0])


def test_views_weigh_one_two_three():
    layout = WindowLayout(scales=(1.0, 2.0, 3.0))
    combination = Combination(layout)
    scores = np.zeros((len(layout.blocks), 1))
    for view, score in (("texture", 1.0), ("rhythm", 4.0)):
        for b, (_, of_block) in enumerate(layout.blocks):
            if of_block == view:
                scores[b] = score
    by_scale = combination.scale_scores(scores, np.array([7.0]))
    # Texture alone; and patterns; all three.
    np.testing.assert_allclose(by_scale[:, 0], [1.0, (1 + 3 * 7) / 4, (1 + 2 * 4 + 3 * 7) / 6])


def test_where_nobody_plays_no_pattern_is_strange():
    silent = np.zeros((2, 40), np.float32)
    assert onset_energy(silent).tolist() == [0.0, 0.0]
    assert pattern_score(np.zeros((2, 2))).tolist() == [0.0, 0.0]


def test_a_group_that_seldom_plays_is_judged_where_it_plays():
    energy = np.r_[np.full(95, 0.02), np.full(5, 0.8)]
    assert is_playing(energy).sum() == 5


def test_a_group_that_plays_softly_plays():
    """Slow noise has an onset energy of a quarter: the few windows above 0.3 are no norm."""
    energy = np.random.default_rng(0).normal(0.22, 0.05, size=200).clip(0.0)
    assert is_playing(energy).mean() > 0.9
    assert not is_playing(np.zeros(9)).any()


@pytest.mark.slow
def test_patterns_of_slow_noise_are_as_familiar_as_its_held_out_ones():
    """They were judged against the loudest few: half of it was more familiar than .98."""
    decay = np.exp(-0.01 / 3.0)
    steps = np.random.default_rng(1).normal(size=(24_500, 25))
    frames = -40 + 8 * lfilter([np.sqrt(1 - decay ** 2)], [1, -decay], steps, axis=0)[500:]
    model = FamiliarityModel(scales=(2.0,)).fit(frames[:12_000])
    for part, view in zip(model.parts_, model.features_.transform_views(frames[12_000:]),
                          strict=True):
        familiarity = part.scorer.calibration_of(part.scorer.novelty_of(view.X))
        assert 0.25 < np.median(familiarity) < 0.75, part.view


def test_a_copy_of_what_was_learned_judges_as_it_does_and_is_no_larger(jam):
    model = FamiliarityModel(scales=(0.5, 2.0)).fit(jam.between(0, 20))
    before = len(pickle.dumps(model))
    expected = model.timeline(jam.between(20, 30)).familiarity
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.timeline(jam.between(20, 30)).familiarity, expected)
    assert len(pickle.dumps(model)) < 1.01 * before
