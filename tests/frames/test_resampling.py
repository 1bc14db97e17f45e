"""Frames at another rate, against plain loops and numpy."""

import numpy as np
import pytest

from barkcluster.frames.resampling import later, pooled, rows_at, stretched
from tests import naive


@pytest.mark.parametrize("frames_per_value", [0.5, 0.86, 1.0, 1.7227, 2.0, 3.4])
def test_pooling_agrees_with_naive(rng, frames_per_value):
    levels = rng.normal(-40, 10, size=(97, 3))
    n = int(len(levels) / frames_per_value)
    expected = naive.pool_frames(levels.tolist(), frames_per_value)
    np.testing.assert_allclose(pooled(levels, 0, n, frames_per_value), expected, atol=1e-9)
    np.testing.assert_allclose(pooled(levels, 5, n - 3, frames_per_value),
                               expected[5:n - 3], atol=1e-9)


def test_stretching_by_one_changes_nothing_and_by_two_doubles(rng):
    frames = rng.normal(size=(50, 25))
    np.testing.assert_allclose(stretched(frames, 1.0), frames)
    np.testing.assert_allclose(stretched(frames, 2.0)[::2], frames)
    assert len(stretched(frames, 0.5)) == 25
    assert len(stretched(frames[:1], 1.04)) == 1


@pytest.mark.parametrize(("n", "n_places"), [(1, 20), (2, 20), (7, 0), (7, 5000)])
def test_rows_between_rows_agree_with_numpy(rng, n, n_places):
    values = rng.normal(size=(n, 3))
    places = rng.uniform(-1.0, n, size=n_places)
    expected = np.column_stack([np.interp(places, np.arange(n), column) for column in values.T])
    np.testing.assert_allclose(rows_at(values, places), expected, atol=1e-12)


def test_no_frame_and_a_whole_frame_later_are_the_frames_themselves(rng):
    frames = rng.normal(-40, 20, size=(300, 25))
    np.testing.assert_allclose(later(frames, 0.0), frames)
    np.testing.assert_allclose(later(frames, 1.0)[:-1], frames[1:])
