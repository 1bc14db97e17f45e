"""Sessions that build up are measured by what they have become."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from barkcluster import FamiliarityModel
from barkcluster.model.build_up import built_up_at
from barkcluster.synthetic import make_session
from barkcluster.windows import WindowFeatures
from barkcluster.windows.training import training_windows
from tests.every_scorer import EVERY_SCORER


def voices(n_frames, seed, first=0.0):
    """Four players in six bands each, who enter 20 s after one another, with noise."""
    rng = np.random.default_rng(3)
    noise = np.random.default_rng(seed)
    powers = np.full((n_frames, 25), 1e-8)
    for v, length in enumerate((160, 200, 240, 320)):
        bar = np.full((length, 25), -80.0)
        bar[:, 6 * v:6 * v + 7] = gaussian_filter1d(
            rng.normal(-40, 30, (length, 7)), 3, axis=0, mode="wrap")[:, :25 - 6 * v]
        loop = np.tile(bar, (n_frames // length + 2, 1))[:n_frames]
        loop[:round(100 * max(0.0, 20.0 * v - first))] = -80.0
        powers += 10 ** (loop / 10)
    return 10 * np.log10(powers) + noise.normal(0, 0.7, powers.shape)


def end_of_build_up(*takes):
    features = WindowFeatures((0.5, 1.0, 3.0))
    frames = [np.asarray(take, dtype=np.float32) for take in takes]
    return built_up_at(training_windows(features, frames), features,
                       sum(map(len, frames)) / 100)


def test_it_ends_where_the_last_player_is_in():
    assert 60 <= end_of_build_up(voices(15000, 1)) <= 75


def test_of_players_who_are_there_from_the_beginning_there_is_none():
    assert end_of_build_up(voices(15000, 1, first=60.0)) == 0.0
    jam = make_session(2, random_state=2, surprises=False)[0].frames
    assert end_of_build_up(jam) == 0.0
    noise = np.random.default_rng(0).normal(-40, 6, (12000, 25))
    assert end_of_build_up(noise) == 0.0


def test_what_comes_late_or_leaves_little_is_no_build_up():
    whole = voices(15000, 1)
    assert end_of_build_up(whole[::-1]) == 0.0        # players who leave
    assert end_of_build_up(whole[:7000]) < 45         # two fifths are left, whatever comes
    assert end_of_build_up(whole[:2500]) == 0.0       # 25 s in all


def test_another_take_may_be_a_beginning():
    jam = make_session(1, random_state=2, surprises=False)[0].frames
    ended = end_of_build_up(jam[:2500], voices(9000, 1, first=60.0))
    assert 20 <= ended <= 35


@pytest.mark.parametrize("scorer", EVERY_SCORER)
def test_what_breaks_in_is_noticed_after_a_build_up(rng, scorer):
    """A loop in four layers, learned from the first on: other music was at .1 to .6 in it."""
    model = FamiliarityModel(scorer, scales=(0.5, 1.0, 3.0), random_state=0).fit(voices(15000, 1))
    heard = voices(3000, 2, first=60.0)
    calm = model.timeline(heard)
    assert np.mean(calm.familiarity < 0.05) <= 0.05
    heard[1500:1700] = make_session(1, random_state=9)[0].frames[1500:1700]
    told = model.timeline(heard)
    within = (told.times > 15.0) & (told.times <= 17.1)
    assert told.familiarity[within].min() < 0.01
    # What was built up was learned all the same.
    assert np.mean(model.timeline(voices(6000, 1)).familiarity < 0.05) <= 0.05
