"""Frames on the grid of their stamps: rates from time columns, missing frames, pauses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from barkcluster.frames.stamps import NoRateError, places_of

ANALYZED = st.sampled_from([44100 / 512, 48000 / 512, 44100 / 1024, 75.0, 60.0, 100.0, 50.0,
                            125.0, 200.0])
ANY = st.one_of(ANALYZED, st.floats(20, 250))


def n_missing(places):
    return int(places.numbers[-1]) + 1 - len(places.numbers)


@settings(deadline=None)
@given(rate=ANY, n=st.integers(3, 3000), start=st.sampled_from([0.0, 3600.0, 1.7e9]))
def test_exact_stamps_give_the_rate(rate, n, start):
    places = places_of(start + np.arange(n) / rate)
    assert places.rate == pytest.approx(rate, rel=1e-4)
    assert n_missing(places) == 0


@pytest.mark.slow
@settings(deadline=None)
@given(rate=ANY, digits=st.sampled_from([0, 1, 2, 3]), cut=st.sampled_from([np.rint, np.floor]))
def test_rounded_stamps_give_the_rate(rate, digits, cut):
    n = 6000 if digits < 2 else 1000
    times = cut(np.arange(n) / rate * 10 ** digits) / 10 ** digits
    # Each n-th number left out of hundredths is what floors of 80 and 90 a second look like.
    assume(digits != 2 or cut is np.rint)
    # So do a little fewer than a hundred a second, however they are rounded.
    assume(digits != 2 or not 95 < rate < 99.99)
    assert places_of(times).rate == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize("rate", [44100 / 512, 48000 / 512, 75.0, 60.0])
def test_hundredths_are_not_read_as_a_hundred(rate):
    for n in (100, 400, 4000):
        places = places_of(np.round(np.arange(n) / rate, 2))
        assert places.rate == pytest.approx(rate, rel=0.01)
        assert n_missing(places) == 0


@pytest.mark.slow
@settings(deadline=None)
@given(rate=ANALYZED, size=st.integers(2, 9), apart=st.sampled_from([0.0, 0.0005, 0.001]),
       n=st.integers(100, 1001))
def test_bursts_are_not_a_rate(rate, size, apart, n):
    i = np.arange(n)
    places = places_of(i // size * size / rate + i % size * apart)
    assert places.rate == pytest.approx(rate, rel=3 * size / n)
    assert n_missing(places) == 0


def test_a_burst_of_five_and_a_wait_is_no_two_hundred_hertz():
    places = places_of(np.cumsum(np.tile([5.0, 5, 5, 5, 100], 60)))
    assert 1000 * places.rate == pytest.approx(1000 / 24, rel=0.01)


@settings(deadline=None)
@given(tick=st.sampled_from([0.015625, 0.016]), seed=st.integers(0, 99))
def test_a_slow_clock_gives_equal_stamps_and_the_rate(tick, seed):
    times = np.floor((np.arange(1000) / 100 + seed * 0.0007) / tick) * tick
    places = places_of(times)
    assert places.rate == pytest.approx(100, rel=0.003)
    assert n_missing(places) == 0


@pytest.mark.slow
@settings(deadline=None)
@given(rate=ANALYZED, late=st.floats(0.1, 2.0), seed=st.integers(0, 99))
def test_exponential_delay_gives_the_rate(rate, late, seed):
    delay = np.random.default_rng(seed).exponential(late / rate, 2000)
    places = places_of(np.maximum.accumulate(np.arange(2000) / rate + delay))
    assert places.rate == pytest.approx(rate, rel=0.01)
    assert n_missing(places) <= 20


@settings(deadline=None)
@given(rate=ANY, share=st.floats(0.005, 0.25), digits=st.sampled_from([3, 4, 9]),
       seed=st.integers(0, 99))
def test_lost_frames_are_missing_where_they_were(rate, share, digits, seed):
    assume(abs(rate / 64 - 1) > 1e-3)  # the Windows clock's, to which any frames may be rounded
    rng = np.random.default_rng(seed)
    kept = rng.random(1000) > share
    kept[0] = kept[-1] = True
    places = places_of(np.round(np.arange(1000)[kept] / rate, digits))
    assert places.rate == pytest.approx(rate, rel=1e-3)
    np.testing.assert_array_equal(places.numbers, np.flatnonzero(kept))


@pytest.mark.parametrize("every", [5, 10, 16, 100])
def test_each_nth_frame_lost_is_missing(every):
    kept = np.arange(2000) % every != every - 1
    places = places_of(np.arange(2000)[kept] / 100)
    assert places.rate == pytest.approx(100)
    np.testing.assert_array_equal(places.numbers, np.flatnonzero(kept))


def test_one_frame_lost_of_three_thousand_is_missing():
    kept = np.arange(3000) != 1234
    np.testing.assert_array_equal(places_of(np.arange(3000)[kept] / 100).numbers,
                                  np.flatnonzero(kept))


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(share=st.floats(0.05, 0.2), late=st.floats(0.05, 0.3), seed=st.integers(0, 99))
def test_lost_frames_among_late_ones_do_not_change_the_rate(share, late, seed):
    rng = np.random.default_rng(seed)
    times = np.maximum.accumulate(np.arange(4000) / 100 + rng.exponential(late / 100, 4000))
    kept = rng.random(4000) > share
    places = places_of(times[kept])
    assert places.rate == pytest.approx(100, rel=0.005)
    assert n_missing(places) == pytest.approx(4000 - kept.sum(), abs=60)


@settings(deadline=None)
@given(rate=ANALYZED, pause=st.floats(1.0, 3000.0), at=st.integers(50, 950),
       jitter=st.sampled_from([0.0, 0.2, 0.4]), seed=st.integers(0, 99))
def test_a_pause_is_missing_frames_and_no_slower_rate(rate, pause, at, jitter, seed):
    times = (np.arange(1000) + np.random.default_rng(seed).uniform(-jitter, jitter, 1000)) / rate
    times[at:] += pause
    places = places_of(times - times[0])
    assert places.rate == pytest.approx(rate, rel=0.01)
    assert n_missing(places) / places.rate == pytest.approx(pause, rel=0.01, abs=2.5 / rate)


def test_a_wait_that_is_made_up_is_no_pause():
    times = np.arange(3000) / 100
    times[1500:1550] = times[1550] - 0.0001
    places = places_of(times)
    assert places.rate == pytest.approx(100, rel=1e-3)
    assert n_missing(places) == 0


def test_the_rate_that_is_known_settles_it():
    times = np.arange(1000)[np.arange(1000) % 10 != 9] / 100
    assert places_of(times, (90.0,)).rate == 90.0
    assert n_missing(places_of(times, (90.0,))) == 0
    assert n_missing(places_of(times, (100.0, 0.1))) == 99
    bursts = np.cumsum(np.tile([5.0, 5, 5, 5, 100], 60))
    assert n_missing(places_of(bursts, (200.0, 0.2))) > 1000


def test_stamps_that_say_nothing_are_an_error():
    with pytest.raises(NoRateError, match="all 30 stamps are 5"):
        places_of(np.full(30, 5.0))


def test_stamps_without_a_beat_name_both_readings():
    # As many as 140 a second at first, 60 later: neither is the rate of all.
    rng = np.random.default_rng(0)
    steps = np.concatenate([rng.exponential(1 / 140, 3000), rng.exponential(1 / 60, 3000)])
    with pytest.raises(NoRateError, match="if all frames are there, .* as most steps say"):
        places_of(np.cumsum(steps))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([0.0, 1.0, 10.0, 0.01]), st.floats(0, 1e12)),
                min_size=1, max_size=60))
def test_any_stamps_give_places_or_one_error(steps):
    stamps = np.cumsum([0.0, *steps])
    try:
        places = places_of(stamps)
    except NoRateError:
        return
    assert np.isfinite(places.rate) and places.rate > 0
    assert places.numbers[0] == 0 and len(places.numbers) == len(stamps)
    assert np.all(np.diff(places.numbers) >= 1)
