"""Sessions that build up are measured by what they have become."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from barkcluster import FamiliarityModel, bark_frames
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


@cache
def machine(seconds, bass=0.0, kick=0.0):
    """A hat, four bass notes and a kick at 110 beats a minute, which come in at some second."""
    rate, step = 44100, 60 / 110 / 2
    rng, t = np.random.default_rng(5), np.arange(13_000) / 44100
    sound = 1e-4 * rng.normal(size=rate * (seconds + 1))
    drum = 0.5 * np.sin(2 * np.pi * (50 * t + 10 * (1 - np.exp(-20 * t)))) * np.exp(-12 * t)
    hat = 0.1 * rng.normal(size=3500) * np.exp(-t[:3500] / 0.015)
    notes = [0.1 * np.sign(np.sin(2 * np.pi * hz * t)) * np.exp(-3 * t) for hz in (55, 65, 82, 73)]
    for i in range(int(seconds / step)):
        on_beat = [(notes[i // 2 % 4], bass), (drum, kick)]
        for one, since in [(hat, 0.0)] if i % 2 else on_beat:
            if i * step >= since:
                sound[int(rate * i * step):][:len(one)] += one
    return bark_frames(sound[:rate * seconds], sample_rate=rate)


@pytest.mark.parametrize("scorer", EVERY_SCORER)
def test_what_breaks_in_is_noticed_after_a_build_up(scorer):
    """Three voices, learned from the first on: other music and silence were at .06 and more."""
    learned = machine(120, bass=20.0, kick=40.0)
    model = FamiliarityModel(scorer, random_state=0).fit(learned)
    heard = machine(40).copy()
    assert np.mean(model.timeline(heard).familiarity < 0.05) <= 0.05
    heard[1500:1700] = make_session(1, random_state=9, surprises=False)[0].frames[1500:1700]
    heard[3000:3300] = -100.0
    told = model.timeline(heard)
    for start, stop in ((15.0, 17.1), (30.0, 33.1)):
        assert told.familiarity[(told.times > start) & (told.times <= stop)].min() < 0.05
    # What was built up was learned all the same.
    assert np.mean(model.timeline(learned).familiarity < 0.05) <= 0.05
