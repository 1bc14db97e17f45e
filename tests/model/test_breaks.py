"""What breaks off or in while a machine goes on."""

import numpy as np
import pytest
from naive import breaks as naive_breaks

from barkcluster import FamiliarityModel, load_model
from barkcluster.model.breaks import Breaks, Steady, hides
from barkcluster.synthetic import make_session
from barkcluster.windows import WindowLayout


@pytest.fixture(scope="module")
def machine():
    """Levels of two voices in a bar of 200 frames, in noise of 0.1 dB, and a model of them."""
    def play(n_frames, seed, without=(0, 0)):
        time, band = np.arange(n_frames)[:, None], np.arange(25)
        low = -70.0 + np.maximum(0.0, 45.0 - 3.0 * (time % 50)) * (band < 8)
        high = -70.0 + np.maximum(0.0, 30.0 - 6.0 * ((time + 25) % 50)) * (band > 14)
        low[without[0]:without[1]] = -70.0
        return np.maximum(low, high) + np.random.default_rng(seed).normal(0, 0.1, (n_frames, 25))

    return play, FamiliarityModel(scales=(0.5, 1.0, 3.0)).fit(play(4000, 1))


@pytest.mark.parametrize("size", [1, 7, 800])
def test_it_equals_its_naive_twin_in_pieces(rng, size):
    beyond = rng.normal(0.2, 0.6, 800)
    beyond[200:220] += 4.0
    beyond[500:700] += 9.0
    heard = Breaks(WindowLayout())
    got = np.concatenate([heard.strangeness(beyond[at:at + size]) for at in range(0, 800, size)])
    expected = naive_breaks(beyond.tolist(), 0.1)
    assert expected[175] == -np.inf and expected[210] == expected[510] == 1.0
    assert expected[250] < 0.0 and expected[650] < 0.0
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_players_and_noise_have_nothing_that_goes_on(rng):
    for frames in (make_session(0.7, random_state=3)[0].frames, rng.normal(-40, 6, (4000, 25))):
        assert FamiliarityModel(scales=(0.5, 3.0)).fit(frames).ensemble_.steady is None


def test_where_nothing_tells_windows_apart_nothing_breaks_off():
    assert not hides(np.zeros(9), np.zeros(9))
    assert Steady.learned([np.zeros(9)], [np.zeros(9)]) is None
    assert Steady.learned([np.zeros(9)], [np.full(9, 0.5)]).spread.tolist() == [0.5]


def test_a_voice_that_breaks_off_is_heard_while_the_rest_goes_on(machine):
    play, model = machine
    timeline = model.timeline(play(2600, 2, without=(2000, 2200)))
    calm, breaks = ((timeline.times > start) & (timeline.times <= stop)
                    for start, stop in ((5.0, 19.8), (20.3, 22.3)))
    assert timeline.familiarity[calm].min() > 0.2
    assert timeline.familiarity[breaks].min() < 0.05


def test_a_stream_a_file_and_an_explanation_say_the_same(machine, tmp_path):
    play, model = machine
    assert model.ensemble_.steady is not None
    model.save(tmp_path / "model.npz")
    heard = play(2600, 2, without=(2000, 2200))
    timeline = model.timeline(heard)
    again = load_model(tmp_path / "model.npz")
    np.testing.assert_allclose(again.timeline(heard).familiarity, timeline.familiarity, atol=1e-9)
    stream = model.stream()
    readings = stream.extend(heard[:2050])
    stream.model = again                # while it goes on
    readings += stream.extend(heard[2050:])
    np.testing.assert_allclose([r.familiarity for r in readings], timeline.familiarity, atol=1e-9)
    for time in (15.0, 20.8, 24.0):
        assert model.explain(heard, time).familiarity == pytest.approx(
            timeline.familiarity[np.argmin(np.abs(timeline.times - time))], rel=1e-5)
