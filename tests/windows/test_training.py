import numpy as np
import pytest

from barkcluster.windows import PATTERNS, WindowFeatures
from barkcluster.windows.training import stretched, training_windows


def test_stretching_by_one_changes_nothing_and_by_two_doubles(rng):
    frames = rng.normal(size=(50, 25))
    np.testing.assert_allclose(stretched(frames, 1.0), frames)
    np.testing.assert_allclose(stretched(frames, 2.0)[::2], frames)
    assert len(stretched(frames, 0.5)) == 25
    assert len(stretched(frames[:1], 1.04)) == 1


def test_rows_are_thinned_but_not_their_order(rng):
    features = WindowFeatures((0.5, 4.0))
    texture, long_texture, rhythm, *patterns = training_windows(
        features, [rng.normal(-40, 5, size=(3000, 25))])
    assert texture.step == pytest.approx(0.1)
    assert long_texture.step == rhythm.step == pytest.approx(0.2)
    assert [p.step for p in patterns] == pytest.approx([0.1] * len(PATTERNS))
    assert (np.diff(rhythm.times) > 0).all()


def test_rows_are_those_of_the_whole_session(rng):
    frames = rng.normal(-40, 5, size=(1200, 25))
    features = WindowFeatures((1.0, 3.0))
    for windows, view in zip(training_windows(features, [frames]),
                             features.transform_views(frames), strict=True):
        chosen = np.isin(np.round(view.times, 6), np.round(windows.times, 6))
        np.testing.assert_array_equal(windows.rows, view.X[chosen])


def test_copies_belong_to_the_rows_they_are_copies_of():
    # Half a minute of silence, then a beat: a copy with onsets is a copy of the second half.
    frames = np.full((6000, 25), -60.0)
    frames[3000::30] = -30.0
    for windows in training_windows(WindowFeatures((3.0,)), [frames]):
        if len(windows.augmented):
            loud = np.linalg.norm(windows.augmented, axis=1) > 0.1
            copied = windows.times[windows.augmented_rows]
            assert loud.any() and not loud.all()
            assert copied[loud].min() >= 29.9
            assert copied[~loud].max() <= 30.5


def test_a_long_session_is_thinned_and_copied_at_some_tempi_all_of_it(rng):
    frames = np.tile(rng.normal(-40, 5, size=(6000, 25)), (15, 1))       # a quarter of an hour
    features = WindowFeatures((2.0,))
    for windows in training_windows(features, [frames]):
        assert 300 < len(windows.rows) <= 900          # of 9,000 hops
        assert len(windows.augmented) <= 1.8 * len(windows.rows)
        if len(windows.augmented):
            copied = np.unique(windows.times[windows.augmented_rows])
            assert np.diff(copied).max() < 5.0 and copied[0] < 5.0 and copied[-1] > 895.0


def test_no_tempo_is_nearer_to_the_copies_than_another():
    # Played as it was, 1.25 % slower or 2.5 % faster: as far from what is learned.
    seconds = np.arange(6000) / 100.0
    beat = np.repeat(-45.0 + 10.0 * np.sin(2 * np.pi * 2.5 * seconds)[:, None], 25, axis=1)
    features = WindowFeatures((10.0,), views=("rhythm",))
    (windows,) = training_windows(features, [beat])

    def distance(factor: float) -> float:
        (view,) = features.transform_views(stretched(beat, factor))
        apart = view.X[::50, None, :] - windows.augmented[None]
        return float(np.median(np.linalg.norm(apart, axis=2).min(axis=1)))

    as_played = distance(1.0)
    for factor in (1 / 1.025, 1 / 1.0125, 1 / 0.9875, 1 / 0.975):
        assert distance(factor) == pytest.approx(as_played, rel=0.25)
    assert distance(1 / 1.08) > 2.0 * as_played


def test_takes_are_kept_apart(rng):
    frames = rng.normal(-40, 5, size=(500, 25))
    for windows in training_windows(WindowFeatures((2.0,)), [frames, frames]):
        first, second = windows.rows[windows.takes == 0], windows.rows[windows.takes == 1]
        np.testing.assert_array_equal(first, second)
        assert windows.times[windows.takes == 1][0] >= 5.0 + 2.0
