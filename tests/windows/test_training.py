"""The windows that a model learns from: thinned, at other tempi, heard once more."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from barkcluster.frames.resampling import stretched
from barkcluster.windows import WindowFeatures
from barkcluster.windows.echoes import N_WAYS, echo_of
from barkcluster.windows.training import spread_ends, training_windows, windows_between


def test_rows_are_thinned_but_not_their_order(rng):
    features = WindowFeatures((0.5, 4.0))
    texture, long_texture, rhythm, *patterns = training_windows(
        features, [rng.normal(-40, 5, size=(3000, 25))])
    for windows, step in [(texture, 0.1), (long_texture, 0.2), (rhythm, 0.2),
                          *((p, 0.1) for p in patterns)]:
        span = windows.times[-1] - windows.times[0]
        assert span / (len(windows.times) - 1) == pytest.approx(step, rel=0.02)
        assert (np.diff(windows.times) > 0).all()


def test_rows_are_those_of_the_whole_session(rng):
    frames = rng.normal(-40, 5, size=(1200, 25))
    features = WindowFeatures((1.0, 3.0))
    every_frame = WindowFeatures((1.0, 3.0), hop=0.01)
    for windows, view in zip(training_windows(features, [frames]),
                             every_frame.transform_views(frames), strict=True):
        chosen = np.isin(np.round(view.times, 6), np.round(windows.times, 6))
        np.testing.assert_allclose(windows.rows, view.X[chosen], atol=1e-5)


@pytest.mark.parametrize("period", [20, 50, 60, 100, 150, 200, 240, 1000])
def test_thinning_locks_onto_no_beat(period):
    # Windows about a second apart: of any beat, every tenth is kept as often as another.
    ends = spread_ends(50, 60000, 100)
    in_beat = np.bincount(ends % period * 10 // period, minlength=10) / len(ends)
    assert in_beat.max() < 1.6 * in_beat.mean() and in_beat.min() > 0.5 * in_beat.mean()


@pytest.mark.parametrize("stride", [20, 60, 100])
def test_no_part_of_a_bar_is_passed_over_for_minutes(stride):
    # A bar that comes around when the walk by the golden ratio does was heard in a few places.
    ends = spread_ends(50, 300 * stride, stride)
    for period in np.arange(30.0, 1000.0, 0.7):
        places = np.sort(ends % period)
        assert np.diff(places, append=places[0] + period).max() < 0.08 * period


def test_an_echo_is_what_nobody_could_tell_apart(rng):
    frames = gaussian_filter1d(rng.normal(-40, 20, size=(3000, 25)), 2, axis=0)
    for windows in training_windows(WindowFeatures((1.0, 3.0)), [frames]):
        apart = np.linalg.norm(windows.echoes - windows.rows, axis=1)
        others = np.linalg.norm(windows.rows[1:] - windows.rows[:-1], axis=1)
        assert 0 < np.median(apart) < np.median(others)


@pytest.mark.slow
def test_every_row_of_some_minutes_has_an_echo_and_each_is_of_one_way(rng):
    frames = gaussian_filter1d(rng.normal(-40, 20, size=(9000, 25)), 2, axis=0)
    whole = [WindowFeatures((1.0, 3.0), hop=0.01).transform_views(
        echo_of(frames, way, noise_alone=False)) for way in range(N_WAYS)]
    for b, windows in enumerate(training_windows(WindowFeatures((1.0, 3.0)), [frames])):
        np.testing.assert_array_equal(windows.echoed_rows, np.arange(len(windows.rows)))
        chosen = np.isin(np.round(whole[0][b].times, 6), np.round(windows.times, 6))
        apart = np.array([np.linalg.norm(windows.echoes - heard[b].X[chosen], axis=1)
                          for heard in whole])
        assert (apart.argmin(axis=0) == windows.times.searchsorted([0, 30, 60]).searchsorted(
            np.arange(len(windows.rows)), "right") - 1).mean() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("n_takes", "seconds", "scales"), [(1, 2700, (1.0, 6.0)),
                                                            (43, 63, (1.0, 60.0))])
def test_of_a_long_session_stretches_all_over_it_have_echoes(rng, n_takes, seconds, scales):
    take = gaussian_filter1d(rng.normal(-40, 20, size=(100 * seconds, 25)), 2, axis=0)
    features = WindowFeatures(scales, views=("texture",))
    for windows in training_windows(features, [take] * n_takes):
        assert 0.1 < len(windows.echoes) / len(windows.rows) < 0.4
        echoed = windows.echoed
        assert (np.diff(echoed.times) > 0).all()
        assert echoed.times[0] < 900.0 and echoed.times[-1] > 1800.0
        apart = np.linalg.norm(windows.echoes - echoed.rows, axis=1)
        assert apart.max() < np.linalg.norm(echoed.rows, axis=1).min()


@pytest.mark.slow
def test_windows_that_no_stretch_would_have_ended_in_have_echoes(rng):
    # The longest windows end in the last stretch of the first take, and others are chosen there.
    takes = [gaussian_filter1d(rng.normal(-40, 20, size=(6300, 25)), 2, axis=0)] + [
        np.full((600, 25), -40.0)] * 400
    *_, longest = training_windows(WindowFeatures((1.0, 60.0), views=("texture",)), takes)
    assert len(longest.rows) == len(longest.echoes) == 1


def test_copies_belong_to_the_rows_they_are_copies_of():
    # Half a minute of silence, then a beat: a copy with onsets is a copy of the second half.
    frames = np.full((6000, 25), -60.0)
    frames[3000::30] = -30.0
    for windows in training_windows(WindowFeatures((3.0,)), [frames]):
        if len(windows.augmented):
            loud = np.linalg.norm(windows.augmented, axis=1) > 0.1
            copied = windows.times[windows.augmented_rows]
            assert loud.any() and not loud.all()
            assert copied[loud].min() >= 29.8
            assert copied[~loud].max() <= 30.5


@pytest.mark.slow
def test_a_long_session_is_thinned_and_copied_at_some_tempi_all_of_it(rng):
    frames = np.tile(rng.normal(-40, 5, size=(6000, 25)), (15, 1))       # a quarter of an hour
    features = WindowFeatures((2.0,))
    for windows in training_windows(features, [frames]):
        assert 300 < len(windows.rows) <= 900          # of 9,000 hops
        assert len(windows.augmented) <= 1.8 * len(windows.rows)
        if len(windows.augmented):
            copied = np.unique(windows.times[windows.augmented_rows])
            assert np.diff(copied).max() < 5.0 and copied[0] < 5.0 and copied[-1] > 895.0


def test_tempi_up_to_4_percent_off_are_copied_and_told_apart():
    seconds = np.arange(6000) / 100.0
    beat = np.repeat(-45.0 + 10.0 * np.sin(2 * np.pi * 2.5 * seconds)[:, None], 25, axis=1)
    features = WindowFeatures((10.0,), views=("rhythm",))
    (windows,) = training_windows(features, [beat])
    assert set(np.round(windows.augmented_offsets, 6)) == {-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5}

    def distance(tempo: float) -> tuple[float, float]:
        """How far the nearest copy is, and at which offset."""
        (view,) = features.transform_views(stretched(beat, 1 / tempo))
        apart = np.linalg.norm(view.X[::50, None, :] - windows.augmented[None], axis=2)
        nearest = apart.argmin(axis=1)
        return float(np.median(apart.min(axis=1))), float(
            np.median(windows.augmented_offsets[nearest]))

    for tempo in (0.97, 1.0, 1.03):
        nearest, offset = distance(tempo)
        assert offset == pytest.approx((tempo - 1.0) / 0.03, abs=0.01)
        assert nearest < 0.5 * distance(1.08)[0]


def test_takes_are_kept_apart(rng):
    frames = rng.normal(-40, 5, size=(500, 25))
    for windows in training_windows(WindowFeatures((2.0,)), [frames, frames]):
        first, second = windows.rows[windows.takes == 0], windows.rows[windows.takes == 1]
        np.testing.assert_array_equal(first, second)
        assert windows.times[windows.takes == 1][0] >= 5.0 + 2.0


@pytest.mark.parametrize("length", [100, 101, 104])
def test_takes_that_just_fill_a_window_have_one(rng, length):
    """Clips as long as the longest window had none, and nothing could be learned of them."""
    takes = [rng.normal(-40, 6, (length, 25)) for _ in range(4)]
    features = WindowFeatures((1.0,), 0.1)
    for windows in training_windows(features, takes):
        assert windows.takes.tolist() == [0, 1, 2, 3]
        expected = features.transform_scales(takes[2])[0][1]
        if length == 100:
            np.testing.assert_allclose(windows.rows[2], expected[0], atol=1e-5)


def test_windows_between_are_others_of_the_same_music(rng):
    takes = [rng.normal(-40, 5, size=(n, 25)) for n in (2000, 1500)]
    features, every_frame = WindowFeatures((1.0, 3.0)), WindowFeatures((1.0, 3.0), hop=0.01)
    learned = training_windows(features, takes)
    between = windows_between(features, takes, until=28.0)
    whole = [every_frame.transform_views(take) for take in takes]
    for b, (mine, others) in enumerate(zip(between, learned, strict=True)):
        assert 0 < len(mine.times) == len(mine.rows) and mine.times.max() <= 28.0
        # As many as are learned until then, and hardly any of the same.
        assert len(mine.times) == pytest.approx(np.sum(others.times <= 28.0), abs=2)
        assert np.isin(mine.times.round(6), others.times.round(6)).mean() < 0.2
        for take, start in ((0, 0.0), (1, 20.0)):
            here = mine.takes == take
            views = whole[take][b]
            rows = np.searchsorted(views.times.round(6), (mine.times[here] - start).round(6))
            np.testing.assert_allclose(mine.rows[here], views.X[rows], atol=1e-5)
        assert not len(mine.echoes) and not len(mine.augmented)


def test_windows_after_a_time_keep_their_echoes(rng):
    windows = training_windows(WindowFeatures((1.0, 3.0)), [rng.normal(-40, 5, (3000, 25))])
    for all_of_them in windows:
        rest = all_of_them.after(12.0)
        assert rest.times[0] > 12.0 and len(rest.rows) == np.sum(all_of_them.times > 12.0)
        np.testing.assert_array_equal(rest.echoed.times,
                                      all_of_them.echoed.times[all_of_them.echoed.times > 12.0])
        np.testing.assert_array_equal(rest.echoes, all_of_them.echoes[-len(rest.echoes):])
        before = all_of_them.after(0.0)
        np.testing.assert_array_equal(before.rows, all_of_them.rows)
        assert not len(all_of_them.after(99.0).rows)
        joined = rest.then(rest.after(20.0))
        assert len(joined.rows) == len(joined.times) == len(joined.takes) > len(rest.rows)
