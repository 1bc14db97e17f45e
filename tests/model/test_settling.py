"""Long scales after a surprise say what they said before it."""

import numpy as np
import pytest
from naive import settled as naive_settled

from barkcluster import FamiliarityModel
from barkcluster.model.settling import Settling, lately_at_moments, settled_moments
from barkcluster.windows import WindowLayout

SCALES = (0.5, 1.0, 3.0, 6.0)


def wandering(rng, n):
    """Scores with surprises of all lengths; nan until each scale is full."""
    z = rng.normal(0, 0.6, (4, n))
    at = 0
    while at < n:
        at += int(rng.integers(10, 120))
        length = int(rng.integers(1, 60))
        for i, late in enumerate((0, 5, 10, 20)):
            z[i, at + late:at + late + length + 10 * i] += rng.uniform(0.5, 4)
    for i, scale in enumerate(SCALES):
        z[i, :round((scale - SCALES[0]) * 10)] = np.nan
    return z


def full(z):
    return [row[np.isfinite(row)] for row in z]


@pytest.mark.parametrize("seed", range(3))
def test_equals_its_naive_twin(seed):
    z = wandering(np.random.default_rng(seed), 1500)
    expected = np.array(naive_settled(z.tolist(), SCALES, 0.1))
    got = Settling(WindowLayout(scales=SCALES)).settled(full(z))
    assert any((a < b).any() for a, b in zip(got, full(z), strict=True))
    for mine, theirs in zip(got, full(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-10)


@pytest.mark.parametrize("size", [1, 7, 300])
def test_pieces_say_what_the_whole_says(rng, size):
    z = wandering(rng, 900)
    whole = Settling(WindowLayout(scales=SCALES)).settled(full(z))
    settling = Settling(WindowLayout(scales=SCALES), hops_at_once=size)
    pieces = [settling.settled([of_scale for of_scale in full(z[:, at:at + size])
                                if len(of_scale)]) for at in range(0, 900, size)]
    for i, expected in enumerate(whole):
        of_scale = [piece[i] for piece in pieces if len(piece) > i]
        np.testing.assert_array_equal(np.concatenate(of_scale), expected)


def plain_lately(z):
    """Mean of the two short scales in the hundred hops before the last twenty."""
    sudden = np.nan_to_num(z[:2].mean(axis=0))
    return [sum(sudden[max(0, i - 119):max(0, i - 19)]) / 100 for i in range(len(sudden))]


@pytest.mark.parametrize("size", [1, 7, 300])
def test_lately_is_a_mean_of_ten_seconds_before_the_last_two(rng, size):
    z = wandering(rng, 900)
    settling = Settling(WindowLayout(scales=SCALES), hops_at_once=size)
    lately = []
    for at in range(0, 900, size):
        here = [of_scale for of_scale in full(z[:, at:at + size]) if len(of_scale)]
        settling.settled(here)
        lately.append(settling.lately(len(here[0])))
    np.testing.assert_allclose(np.concatenate(lately), plain_lately(z), atol=1e-10)


def test_lately_of_held_out_moments_is_that_of_what_is_heard(rng):
    z, layout = rng.normal(size=(4, 600)), WindowLayout(scales=SCALES)
    settling = Settling(layout)
    settling.settled(list(z))
    of_all = lately_at_moments(z, 0.1 * np.arange(600), layout)
    np.testing.assert_allclose(of_all[130:], settling.lately(600)[130:], atol=0.03)
    assert not of_all[:20].any()
    thinned = np.sort(rng.choice(600, 200, replace=False))
    for i, time in enumerate(0.1 * thinned):
        before = [z[:2, j].mean() for j in thinned if time - 12 < 0.1 * j <= time - 2]
        said = lately_at_moments(z[:, thinned], 0.1 * thinned, layout)[i]
        assert said == pytest.approx(np.mean(before) if before else 0.0, abs=0.06)
    assert not lately_at_moments(z[:1], np.arange(600.0), WindowLayout(scales=(3.0,))).any()


def test_what_stays_is_no_surprise():
    short, long = np.full(400, 0.5), np.full(400, 2.0)
    short[:100], long[:100] = -1.0, -1.0
    short[100:200] = 3.0
    (_, counted) = Settling(WindowLayout(scales=(0.5, 3.0))).settled([short, long])
    # Strange for more than two windows of 3 s: then nothing is waited for when it grows calm.
    np.testing.assert_array_equal(counted[165:], long[165:])


@pytest.mark.parametrize("scales", [(0.5, 1.0), (3.0, 6.0)])
def test_scales_all_short_or_all_long_wait_for_nothing(rng, scales):
    scores = [rng.normal(1, 2, 300), rng.normal(1, 2, 300)]
    assert Settling(WindowLayout(scales=scales)).settled(scores) is scores


@pytest.mark.slow
@pytest.mark.parametrize("scorer", ["knn", "kmeans"])
def test_familiar_again_after_a_surprise(scorer):
    def music(seconds, seed):
        time = np.arange(seconds * 100) / 100
        noise = np.random.default_rng(seed).normal(0, 3, (len(time), 25))
        return -30 - 40 * (time * 2.1 % 1)[:, None] + noise

    model = FamiliarityModel(scorer, scales=(0.5, 1.0, 6.0), random_state=0).fit(music(120, 1))
    piece = music(60, 2)
    piece[3000:3200] = np.random.default_rng(3).normal(-60, 15, (200, 25))
    timeline = model.timeline(piece)
    during = (timeline.times > 30.5) & (timeline.times <= 32)
    after = (timeline.times > 34) & (timeline.times <= 38)
    assert np.median(timeline.familiarity[during]) < 0.05
    assert np.median(timeline.familiarity[after]) > 0.1
    # The window itself still holds the surprise, and says so.
    assert np.median(timeline.by_scale[after, 2]) < 0.05
    readings = [r for r in map(model.stream().push, piece) if r is not None]
    np.testing.assert_allclose([r.familiarity for r in readings], timeline.familiarity, atol=1e-9)


def test_chance_surprises_are_forgiven_in_the_calibration_too():
    """Long scales count as before a surprise: where noise has many, all of it became familiar."""
    layout = WindowLayout(scales=(0.5, 10.0))
    times = np.arange(40.0)
    scores = np.zeros((2, 40))
    scores[0, 20] = 3.0
    scores[1, 20:30] = 2.0
    settled = settled_moments(scores, times, layout, 1.0)
    np.testing.assert_array_equal(settled[0], scores[0])
    assert settled[1, 20] == 2.0                        # it may be other music as yet
    np.testing.assert_array_equal(settled[1, 21:30], 0.0)
    np.testing.assert_array_equal(settled_moments(scores, times, layout, 0.0), scores)
    np.testing.assert_array_equal(settled_moments(scores, times, layout, 0.5)[1, 21:30], 1.0)
    np.testing.assert_array_equal(
        settled_moments(scores[:, :1], times[:1], layout, 1.0), scores[:, :1])
