"""Pauses in a session: what is one, and what is not measured by it."""

import numpy as np
import pytest

from barkcluster import FamiliarityModel
from barkcluster.model.pauses import Pauses
from barkcluster.synthetic import make_session
from tests.every_scorer import EVERY_SCORER


def paused(frames):
    """The hundredths of a second that lie in a pause."""
    pauses = Pauses([frames], 100.0, 100)
    return np.flatnonzero(pauses.within(np.arange(1, len(frames) + 1) / 100, 1))


@pytest.fixture
def music(rng):
    return rng.normal(-40, 6, (3000, 25))


@pytest.mark.parametrize("level", [-100.0, -90.0])
def test_silence_and_what_is_nearly_silent_is_a_pause(music, level):
    music[1000:1050] = level
    np.testing.assert_array_equal(paused(music), np.arange(1000, 1050))


def test_a_pause_begins_where_music_dies_away(music):
    music[2400:2800] -= np.linspace(0, 80, 400)[:, None]
    music[2800:] = -100.0
    found = paused(music)
    assert found[-1] == 2999 and 2440 <= found[0] <= 2530


def test_what_is_soft_or_short_is_no_pause(music):
    music[500:800] -= 20
    music[1000:1020] = -100
    assert not len(paused(music))


def test_regular_rests_and_a_session_that_is_mostly_silent_have_no_pauses(music):
    rests = music.copy()
    rests[np.arange(3000) % 400 < 40] = -100
    assert not len(paused(rests))
    music[:2000] = -100
    assert not len(paused(music))


def test_a_pause_at_the_seam_of_two_takes_is_one(music):
    music[1480:1520] = -100
    pauses = Pauses([music[:1500], music[1500:]], 100.0, 100)
    np.testing.assert_array_equal(pauses.within(np.array([14.8, 14.81, 15.2, 15.3]), 10),
                                  [False, True, True, False])


@pytest.mark.parametrize("scorer", EVERY_SCORER)
def test_half_a_second_of_silence_does_not_hide_what_breaks_in(scorer):
    # It was held out as well, and nothing that broke in was stranger: .07 to .13 where it was .02.
    jam = make_session(2, random_state=20, surprises=False)[0].frames.astype(float)
    other = make_session(0.5, random_state=60, surprises=False)[0].frames.astype(float)
    learned, heard = jam[:6000], jam[6000:]
    learned[3000:3050] = -100.0
    for k in range(4):
        heard[1200 * (k + 1):][:200] = other[700 * k:][:200]
    timeline = FamiliarityModel(scorer, scales=(0.5, 1.0, 3.0), random_state=0).fit(
        learned).timeline(heard)
    lowest = [timeline.familiarity[np.abs(timeline.times - 12.0 * (k + 1) - 1.0) <= 1.0].min()
              for k in range(4)]
    assert np.sum(np.array(lowest) < 0.05) >= 3
    assert np.mean(timeline.familiarity < 0.05) <= 0.2


@pytest.mark.slow
def test_music_that_pauses_is_no_stranger_for_it():
    jam = make_session(3, random_state=21, surprises=False)[0].frames.astype(float)
    for pause in (3000, 7000, 13000):
        jam[pause:pause + 500] = -100.0
    timeline = FamiliarityModel("knn").fit(jam[:9000]).timeline(jam[9000:])
    assert np.mean(timeline.familiarity < 0.05) <= 0.08
    assert (np.nanmean(timeline.by_scale < 0.05, axis=0) <= 0.12).all()
