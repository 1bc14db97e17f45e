"""What nobody could tell apart: the same frames a fraction of a frame later."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from barkcluster.frames.resampling import later
from barkcluster.windows.echoes import N_WAYS, echo_of, is_noise


@pytest.mark.parametrize("way", range(N_WAYS))
def test_what_moves_slowly_is_later_in_all_bands_alike(rng, way):
    frames = gaussian_filter1d(rng.normal(-40, 20, size=(500, 25)), 20, axis=0)
    assert np.diff(frames, axis=0).min() > -3.0
    apart = [np.ptp(echo_of(frames, way, noise_alone=False) - later(frames, fraction))
             for fraction in (0.0, 0.5)]
    assert min(apart) < 1e-9 < max(apart)


def test_rises_and_steep_falls_are_read_at_different_places():
    gate = np.full((100, 2), -80.0)
    gate[20:60] = -20.0
    read = [echo_of(gate, way, noise_alone=False).mean(axis=1) for way in range(N_WAYS)]
    early = [((heard > -79.0)[:40].argmax(), (heard[40:] < -25.0).argmax()) for heard in read]
    assert early == [(19, 20), (20, 19), (19, 19)]


@pytest.mark.parametrize("way", range(N_WAYS))
def test_of_noise_only_what_stands_out_is_later(rng, way):
    def moved(frames):
        echo = echo_of(frames, way, noise_alone=True)
        return np.abs(echo - frames - np.median(echo - frames)).max(axis=1)

    noise = rng.normal(-40, 1.0, (2000, 25))
    assert (moved(noise) > 1e-9).mean() < 0.01
    # Bands that fluctuate as one move often together.
    assert (moved(np.repeat(noise[:, :1], 25, axis=1)) > 1e-9).mean() < 0.01
    noise[1000:] += 20.0
    assert (moved(noise) > 1e-9).mean() < 0.01
    if way != 1:
        assert moved(noise)[999] > 5.0
    noise[1500:] -= 20.0
    assert (moved(noise)[1499] > 5.0) == (way != 0)


def test_noise_that_hardly_moves_is_no_trouble():
    frames = np.full((50, 25), -40.0)
    assert np.ptp(echo_of(frames, 0, noise_alone=True)) == 0.0
    assert not is_noise(frames) and not is_noise(frames[:1]) and not is_noise(frames[:0])
