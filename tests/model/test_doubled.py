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
    assert doubled(take[:900], take[:900], 100.0) is None               # 9 s


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
