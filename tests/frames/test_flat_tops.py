"""Flat tops of clipped sound: whatever its level is now, and none of what is merely loud."""

import numpy as np
import pytest
from scipy.signal import sosfilt

from barkcluster.frames.flat_tops import FlatTops

RATE = 44100
LOW_PASS = [[0.02, 0.04, 0.02, 1.0, -1.5, 0.6]]


def share(samples, block=10_000):
    tops = FlatTops()
    for start in range(0, len(samples), block):
        tops.push(np.asarray(samples, dtype=np.float32)[start:start + block, None])
    return tops.share


@pytest.fixture(scope="module")
def music():
    sound = sosfilt(LOW_PASS, np.random.default_rng(0).laplace(size=5 * RATE))
    return sound / np.abs(sound).max()


def in_bits(sound, bits=16):
    return np.round(sound * 2 ** (bits - 1)) / 2 ** (bits - 1)


@pytest.mark.parametrize("gain_db", [6.0, 12.0])
@pytest.mark.parametrize("later", [1.0, 0.7, 0.1])
def test_clipped_sound_is_found_whatever_its_level_is_now(music, gain_db, later):
    clipped = np.clip(10 ** (gain_db / 20) * music, -1.0, 1.0)
    assert share(in_bits(later * clipped)) > 1e-4
    assert share(in_bits(later * music)) < 1e-5


def test_sound_that_is_clipped_on_one_side_is_found(music):
    assert share(in_bits(0.5 * np.minimum(4 * music, 1.0))) > 1e-4


def test_loud_and_slow_and_saturated_sound_is_not_clipped(music):
    t = np.arange(5 * RATE) / RATE
    assert share(in_bits(0.999 * np.tanh(8 * music))) == 0.0
    assert share(in_bits(0.5 * np.sin(2 * np.pi * 41 * t))) == 0.0
    assert share(1.5 * music) == 0.0


def test_square_waves_are_not_clipped():
    """All of them was in flat tops at full scale."""
    t = np.arange(5 * RATE) / RATE
    high, low = (np.where((hertz * t) % 1 < width, 1.0, -1.0)
                 for hertz, width in ((440.0, 0.5), (110.0, 0.25)))
    assert share(in_bits(0.99 * high, 8)) == 0.0
    assert share(0.99 * high * (t % 0.3 < 0.2)) == 0.0
    assert share(in_bits(0.6 * high + 0.4 * low)) == 0.0


def test_silence_and_nothing_are_not_clipped():
    assert share(np.zeros(RATE)) == FlatTops().share == 0.0
