"""What of a session comes back exactly, and at how many places in the frames it was heard."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from barkcluster import bark_frames
from barkcluster.model.repetition import goes_round, share_by_heart, widest_gap
from barkcluster.synthetic import make_session


def loop(length, n_frames, smooth=0.0, seed=0):
    bar = np.random.default_rng(seed).normal(-40.0, 10.0 * (1.0 + smooth), (length, 25))
    if smooth:
        bar = gaussian_filter1d(bar, smooth, axis=0, mode="wrap")
    return np.tile(bar, (n_frames // length + 1, 1))[:n_frames]


@pytest.mark.parametrize("smooth", [0.0, 3.0])
@pytest.mark.parametrize("length", [37, 120, 333, 1700])
def test_loops_come_back(length, smooth):
    assert share_by_heart([loop(length, 6000, smooth)], 100.0) == 1.0


def machine(bpm, seconds, loose=0.0):
    """Hits of noise on half beats, each fourth one louder."""
    rng = np.random.default_rng(0)
    hit = rng.normal(size=4000) * np.exp(-np.arange(4000) / 800.0)
    sound = 1e-4 * rng.normal(size=44100 * seconds)
    for i, at in enumerate(np.arange(0.0, seconds - 0.5, 60 / bpm / 2)):
        start = max(0, int(44100 * (at + loose * rng.normal())))
        sound[start:start + 4000] += hit * (1.0 if i % 4 == 0 else 0.2)
    return bark_frames(sound, sample_rate=44100)


def test_a_machine_whose_bars_begin_between_frames_comes_back():
    assert share_by_heart([machine(117, 20)], 100.0) >= 0.9


@pytest.mark.parametrize(("bpm", "least", "most"), [
    (120, 0.95, 1.0), (128, 0.2, 0.3), (117, 0.02, 0.2), (174, 0.02, 0.2)])
def test_bars_are_heard_at_as_many_places_as_fall_between_frames(bpm, least, most):
    # Two beats are 100, 93.75, 102.56 and 68.97 frames long.
    gap = widest_gap([machine(bpm, 60)], 100.0)
    assert least <= gap <= most


def test_machines_go_round_loose_or_not_and_players_do_not(rng):
    assert all(goes_round([machine(bpm, 20, loose)], 100.0)
               for bpm in (117, 120) for loose in (0.0, 0.003))
    assert goes_round([loop(187, 6000), loop(187, 3000)], 100.0)
    jam = make_session(1.0, random_state=3)[0].frames.copy()
    jam[::500] = -100.0
    for frames in (jam, rng.normal(-40.0, 6.0, (3000, 25)), np.full((3000, 25), -100.0)):
        assert not goes_round([frames], 100.0)
    assert not goes_round([], 100.0)


@pytest.mark.parametrize("smooth", [0.0, 3.0])
def test_loops_of_whole_frames_are_heard_at_one_place(smooth):
    assert widest_gap([loop(187, 6000, smooth)], 100.0) > 0.95


def test_what_does_not_come_back_was_heard_at_one_place(rng):
    jam = make_session(1.0, random_state=3)[0].frames
    assert widest_gap([jam], 100.0) > 0.95
    assert widest_gap([rng.normal(-40.0, 6.0, (3000, 25))], 100.0) > 0.95
    assert widest_gap([np.full((3000, 25), -100.0)], 100.0) == 1.0
    assert widest_gap([], 100.0) == widest_gap([machine(117, 20)[::10]], 10.0) == 1.0
    # A machine for half of the session: the rest was heard once.
    assert widest_gap([np.concatenate([machine(117, 30), jam[:3000]])], 100.0) > 0.9


@pytest.mark.parametrize("minutes", [0.5, 3.0])
def test_players_do_not(minutes):
    jam, _ = make_session(minutes, random_state=3)
    assert share_by_heart([jam.frames], 100.0) == 0.0


def test_noise_and_loops_in_noise_do_not(rng):
    assert share_by_heart([rng.normal(-40.0, 6.0, (3000, 25))], 100.0) == 0.0
    noisy = loop(400, 6000, 5.0) + rng.normal(0.0, 3.0, (6000, 25))
    assert share_by_heart([noisy], 100.0) == 0.0


def test_silence_and_held_sounds_say_nothing(rng):
    assert share_by_heart([np.full((3000, 25), -100.0)], 100.0) == 0.0
    assert share_by_heart([np.tile(rng.normal(-40.0, 6.0, 25), (3000, 1))], 100.0) == 0.0
    jam = make_session(1.0, random_state=3)[0].frames.copy()
    jam[1500:4500] = -100.0
    assert share_by_heart([jam], 100.0) <= 0.05


def test_a_loop_that_is_half_of_a_session_is_not_all_of_it():
    jam = make_session(1.0, random_state=3)[0].frames
    both = [jam, loop(200, 6000, 2.0)]
    assert share_by_heart(both, 100.0) <= 0.35
    assert share_by_heart([*both, both[1]], 100.0) <= share_by_heart([both[1]], 100.0) == 1.0


def test_songs_of_parts_that_come_back_exactly_do():
    a, b = loop(1600, 1600, 3.0), loop(1600, 1600, 3.0, seed=1)
    assert share_by_heart([np.concatenate([a, a, b, a] * 3)], 100.0) >= 0.4


def test_takes_too_short_to_come_back_are_passed_over():
    assert share_by_heart([loop(50, 200)], 100.0) == 0.0
    assert share_by_heart([loop(50, 200), loop(200, 2000, 2.0)], 100.0) == 1.0
    assert share_by_heart([], 100.0) == 0.0


@pytest.mark.parametrize(("rate", "n_bands"), [(10.0, 25), (43.07, 24), (86.13, 40), (1.5, 25)])
def test_other_rates_and_numbers_of_bands(rate, n_bands):
    rng = np.random.default_rng(1)
    length = max(2, round(2.0 * rate))
    frames = np.tile(rng.normal(-40.0, 10.0, (length, n_bands)), (20, 1))
    other = rng.normal(-40.0, 10.0, (20 * length, n_bands))
    assert share_by_heart([frames], rate) >= 0.9
    assert share_by_heart([other], rate) == 0.0


def test_a_session_of_hours_is_heard_in_two_stretches(monkeypatch):
    from barkcluster.model import repetition

    heard = []
    known = repetition._known
    monkeypatch.setattr(repetition, "_known", lambda frames, rate: (
        heard.append(len(frames)), known(frames, rate))[1])
    assert share_by_heart([loop(300, 200_000)], 100.0) == 1.0
    assert len(heard) == 2 and max(heard) <= 15_000
