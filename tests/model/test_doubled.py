"""Music that is in two takes: where it is found, and what of it is learned."""

import numpy as np
import pytest

from barkcluster.model.doubled import doubled, without_doubles
from barkcluster.synthetic import make_session


@pytest.fixture(scope="module")
def take():
    return make_session(1, random_state=4)[0].frames.astype(float)


@pytest.mark.slow
def test_a_copy_is_found_where_it_begins(take):
    start, stop, in_first = doubled(take, take[1234:4234] - 6.0, 100.0)
    assert (start, in_first) == (0, 1234) and stop == pytest.approx(3000, abs=100)
    before = np.full((700, 25), -60.0)
    start, stop, in_first = doubled(take[2000:], np.concatenate([before, take[:5000]]), 100.0)
    assert (start, in_first) == pytest.approx((2700, 0), abs=100)


@pytest.mark.slow
def test_other_music_silence_and_loops_are_no_copies(take, rng):
    other = make_session(1, random_state=5)[0].frames.astype(float)
    assert doubled(take, other, 100.0) is None
    assert doubled(take[:3000], take[3000:], 100.0) is None
    silence = np.full((3000, 25), -100.0)
    assert doubled(silence, silence, 100.0) is None
    loop = np.tile(rng.normal(-40, 10, (150, 25)), (30, 1))
    assert doubled(loop, loop, 100.0) is None
    assert doubled(take[:390], take[:390], 100.0) is None               # 3.9 s


@pytest.mark.slow
def test_only_what_is_there_twice_goes_and_only_between_sessions(take):
    second = np.concatenate([take[:2000], make_session(1, random_state=6)[0].frames[:3000]])
    kept, found = without_doubles([take, second], [0, 1], 100.0)
    assert kept[0] == [(0, len(take))]
    ((earlier, later, start, stop, in_earlier),) = found
    assert (earlier, later, start, in_earlier) == (0, 1, 0, 0)
    assert stop == pytest.approx(2000, abs=100) and kept[1] == [(stop, 5000)]
    assert without_doubles([take, take], [0, 0], 100.0) == (
        [[(0, len(take))]] * 2, [])


@pytest.mark.slow
def test_halves_of_a_take_in_another_order_are_copies(take):
    # Each half was a reason to take the other for a loop.
    turned = np.concatenate([take[3000:], take[:3000]])
    kept, found = without_doubles([take, turned], [0, 1], 100.0)
    assert kept == [[(0, 6000)], []] and len(found) == 2


@pytest.mark.slow
@pytest.mark.parametrize("change", ["equalized", "low-passed", "30 s of it", "six seconds of it"])
def test_a_copy_is_found_whatever_was_done_to_it(take, rng, change):
    codec = take + rng.uniform(-1, 1, 25) + rng.normal(0, 0.5, take.shape)
    low_passed = codec - 20.0 * (np.arange(25) > 20)
    other = {"equalized": take + np.linspace(-3, 3, 25), "low-passed": low_passed,
             "30 s of it": take[2000:5000], "six seconds of it": take[2000:2600]}[change]
    for takes in ([take, other], [other, take]):
        _, ((*_, start, stop, _),) = without_doubles(takes, [0, 1], 100.0)
        assert stop - start == len(other)


def recorded_loop(n_frames, seed):
    """Bars of 2 s that repeat, in noise of 0.7 dB."""
    bar = np.random.default_rng(5).normal(-40, 8, (200, 25))
    noise = np.random.default_rng(seed).normal(0, 0.7, (n_frames, 25))
    return np.tile(bar, (-(-n_frames // 200), 1))[:n_frames] + noise


def test_a_recording_of_loops_is_found_when_it_is_given_twice(rng):
    # It resembles itself after each bar, but less than its copy does.
    first = recorded_loop(3000, 1)
    codec = first + rng.normal(0, 0.3, first.shape)
    assert doubled(first, codec, 100.0) == (0, 3000, 0)
    assert doubled(first, recorded_loop(3000, 2), 100.0) is None
