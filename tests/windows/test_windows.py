"""Features of windows: the same as in plain loops, in pieces as at once, in the units named."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barkcluster.frames import Session
from barkcluster.windows import PATTERNS, TEXTURE_UNITS, WindowFeatures
from barkcluster.windows.running import cube_root, group_matrix


@pytest.mark.parametrize(("length", "hop", "rate"), [(10, 10, 100.0), (35, 4, 100.0),
                                                     (43, 9, 86.13)])
def test_texture_agrees_with_naive(rng, length, hop, rate):
    frames = rng.normal(-60, 20, size=(120, 25))
    features = WindowFeatures((length / rate,), hop / rate, rate, views=("texture",))
    (_, X), = features.transform_scales(frames)
    np.testing.assert_allclose(
        X, naive.texture(frames, length, hop, rate), rtol=2e-5, atol=2e-5)


def test_times_are_the_ends_of_windows():
    features = WindowFeatures((0.5, 2.0))
    short, long = features.transform_scales(np.zeros((310, 25)))
    np.testing.assert_allclose(short[0], np.arange(5, 32) / 10)
    np.testing.assert_allclose(long[0], np.arange(20, 32) / 10)


@pytest.mark.parametrize("method", ["transform", "transform_scales", "transform_views"])
def test_a_session_of_another_rate_is_refused_and_not_taken_for_twice_as_short(rng, method):
    session = Session(rng.normal(-40, 6, size=(600, 25)), 50.0)
    with pytest.raises(ValueError, match="must come at 100 a second.*got 50"):
        getattr(WindowFeatures(), method)(session)
    near = Session(session.frames, 100.3)  # a clock that runs a little faster
    getattr(WindowFeatures(scales=(0.5,)), method)(near)


def test_stacked_rows_end_together(rng):
    frames = rng.normal(-40, 10, size=(400, 25))
    features = WindowFeatures((0.5, 3.0))
    X = features.transform(frames)
    (_, short), (_, long) = features.transform_scales(frames)
    assert len(X) == len(long)
    np.testing.assert_array_equal(X, np.hstack([short[-len(long):], long]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=12),
       st.sampled_from([(0.1,), (0.25, 3.0), (0.5, 1.0, 4.0)]),
       st.sampled_from([0.1, 0.03, 0.5]), st.sampled_from([100.0, 86.13, 50.0]))
def test_any_split_of_the_frames_gives_the_same_windows(sizes, scales, hop, rate):
    frames = np.random.default_rng(sum(sizes)).normal(-50, 15, size=(sum(sizes) + 400, 25))
    features = WindowFeatures(scales, hop, rate, views=("texture", "rhythm", "pattern"))
    together = [v.X for v in features.transform_views(frames)]
    running = features.running()
    cuts = np.cumsum([0, *sizes, 400])
    pieces = [running.push(frames[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    for whole, *parts in zip(together, *pieces, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_frame_by_frame_across_the_end_of_the_buffer(rng):
    frames = rng.normal(-50, 15, size=(5000, 25))
    features = WindowFeatures((0.2, 3.0), views=("texture", "rhythm", "pattern"))
    together = [v.X for v in features.transform_views(frames)]
    running = features.running()
    pieces = [running.push(frame[None]) for frame in frames]
    for whole, *parts in zip(together, *pieces, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("level", [-100.0, 0.0, -40.0])
def test_silence_and_constants_are_finite(level):
    features = WindowFeatures((0.1, 1.0, 3.0), views=("texture", "rhythm", "pattern"))
    X = features.transform(np.full((900, 25), level))
    assert np.isfinite(X).all()
    np.testing.assert_allclose(X, np.tile(X[:1], (len(X), 1)), atol=1e-3)


def test_a_step_in_level_is_finite():
    frames = np.full((900, 25), -100.0)
    frames[450:] = 0.0
    assert np.isfinite(WindowFeatures((0.1, 3.0)).transform(frames)).all()


def test_long_sessions_keep_their_digits(rng):
    tail = rng.normal(-50, 5, size=(500, 25))
    features = WindowFeatures((1.0,), views=("texture",))
    after_hours = features.running()
    for _ in range(60):
        after_hours.push(np.full((4000, 25), 0.0))
    fresh = features.running()
    late, early = after_hours.push(tail)[0], fresh.push(tail)[0]
    np.testing.assert_allclose(late[-len(early) + 10:], early[10:], atol=2e-3)


def test_rhythm_does_not_hear_loudness_or_shift():
    beat = np.full((2000, 25), -60.0)
    for t in range(0, 2000, 40):
        beat[t:t + 10] += 10
    features = WindowFeatures((10.0,), views=("rhythm",))
    X = features.transform(beat)
    np.testing.assert_allclose(features.transform(beat + 13.0), X, atol=1e-5)
    assert np.linalg.norm(X[14] - X[10]) < 1e-4 * np.linalg.norm(X[10])


def test_rhythm_peaks_at_the_beat():
    beat = np.full((1100, 25), -60.0)
    for t in range(0, 1100, 50):                                      # 2 Hz: 120 bpm
        beat[t:t + 10] += 10
    features = WindowFeatures((10.0,), views=("rhythm",))
    spectrum = features.transform(beat)[0].reshape(6, -1)
    hz = 0.3 + 0.1 * np.arange(spectrum.shape[1])
    np.testing.assert_allclose(hz[spectrum.argmax(axis=1)] % 2.0, 0.0, atol=1e-6)


def test_pattern_tells_the_order_of_events():
    features = WindowFeatures((2.0,), views=("pattern",))
    soft_loud = np.full((230, 25), -60.0)
    soft_loud[40::60] = -50.0
    soft_loud[60::60] = -35.0
    loud_soft = np.full((230, 25), -60.0)
    loud_soft[40::60] = -35.0
    loud_soft[60::60] = -50.0
    one, other = features.transform(soft_loud)[-1], features.transform(loud_soft)[-1]
    assert np.linalg.norm(one - other) > 0.5 * np.linalg.norm(one)


def test_patterns_are_of_unit_power_where_something_happens_and_zero_where_not():
    frames = np.full((400, 25), -60.0)
    frames[::25, :3] = -30.0                                          # the lowest group alone
    patterns = WindowFeatures((2.0,), views=("pattern",)).transform(frames)[-1].reshape(6, 40)
    power = np.mean(patterns ** 2, axis=1)
    assert 0.9 < power[0] <= 1.0
    np.testing.assert_allclose(power[1:], 0.0)


def test_patterns_come_with_the_first_scale_that_holds_them():
    features = WindowFeatures((0.5, 1.0, 3.0, 10.0))
    assert [scale for scale, view in features.blocks if view in PATTERNS] == [2] * 6
    assert WindowFeatures((0.5, 1.0)).blocks == [(0, "texture"), (1, "texture")]
    views = features.transform_views(np.zeros((400, 25)))
    assert {v.times[0] for v in views if v.view in PATTERNS} == {2.0}


def test_common_level_counts_a_quarter():
    features = WindowFeatures((1.0,), views=("texture",))
    frames = np.full((200, 25), -40.0)
    moved = features.transform(frames + 6.0)[0] - features.transform(frames)[0]
    np.testing.assert_allclose(moved[:25] * TEXTURE_UNITS["level"], 1.5, rtol=1e-5)


def test_a_texture_number_is_in_the_units_it_names():
    frames = np.full((300, 25), -40.0)
    X = WindowFeatures((1.0,), views=("texture",)).transform(frames)
    np.testing.assert_allclose(X[0, :25] * TEXTURE_UNITS["level"], -10.0, rtol=1e-6)
    np.testing.assert_allclose(X[0, 25:], 0.0, atol=1e-3)


def test_rhythm_is_left_out_where_it_does_not_fit():
    features = WindowFeatures((0.5, 3.0), views=("texture", "rhythm"))
    assert features.blocks == [(0, "texture"), (1, "texture"), (1, "rhythm")]


def test_a_session_is_taken_as_its_frames(rng):
    frames = rng.normal(-40, 10, size=(300, 25))
    features = WindowFeatures((1.0,))
    np.testing.assert_array_equal(features.transform(Session(frames)), features.transform(frames))


def test_group_weights_average_every_band():
    for n_bands in (1, 5, 24, 25, 40):
        np.testing.assert_allclose(group_matrix(n_bands).sum(axis=0), 1.0)
    assert (group_matrix(25).sum(axis=1) > 0).all()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"scales": ()}, "scales must name at least one"),
    ({"scales": (2.0, 1.0)}, "scales must increase"),
    ({"scales": (50.0, 200.0)}, "Are they in frames or ms"),
    ({"hop": 0.0}, "hop must be a positive number; got 0"),
    ({"frame_rate": -1.0}, "frame_rate must be a positive number"),
    ({"views": ("timbre",)}, "views must be among texture, rhythm, pattern; got 'timbre'"),
    ({"views": ()}, "views must name at least one"),
])
def test_unusable_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        WindowFeatures(**arguments)


def test_too_few_frames_names_both_counts():
    with pytest.raises(ValueError, match=r"200 frames \(2 s\); got 57"):
        WindowFeatures((0.5, 2.0)).transform(np.zeros((57, 25)))


def test_too_few_frames_for_a_hop_longer_than_the_window_are_told_how_many():
    """It used to say that 50 frames are needed, and that there were 55."""
    with pytest.raises(ValueError, match=r"60 frames \(0\.6 s\); got 55"):
        WindowFeatures((0.5,), hop=0.3).transform(np.zeros((55, 25)))


def test_rows_side_by_side_begin_with_the_longest_scale_though_patterns_are_shorter(rng):
    """Patterns alone had rows from two seconds on."""
    frames = rng.normal(-40, 5, size=(700, 25))
    features = WindowFeatures((2.0, 6.0), views=("pattern",))
    ((times, X),) = features.transform_scales(frames)
    np.testing.assert_array_equal(features.transform(frames), X[times > 5.99])


def test_views_that_no_scale_is_long_enough_for_are_named():
    """It was numpy's that an empty sequence has no minimum."""
    features = WindowFeatures((0.5, 2.0), views=("rhythm",))
    with pytest.raises(ValueError, match=r"rhythm needs 3 s.*got 2 s and rhythm"):
        features.transform(np.zeros((300, 25)))
    assert features.transform_scales(np.zeros((300, 25))) == []


def test_transposed_frames_are_recognized():
    with pytest.raises(ValueError, match="Transpose it"):
        WindowFeatures((0.5,)).transform(np.zeros((25, 300)))


def test_no_frames_at_once_are_no_windows():
    running = WindowFeatures((0.5,)).running()
    running.push(np.zeros((60, 25)))
    assert [len(X) for X in running.push(np.zeros((0, 25)))] == [0]


def test_frames_that_wait_for_the_end_of_a_hop_are_not_those_that_came_into_their_place(rng):
    frames = rng.normal(-50, 15, size=(400, 25))
    features = WindowFeatures((0.2, 3.0), hop=0.5)  # more frames than are let wait
    together = [v.X for v in features.transform_views(frames)]
    running, sent, pieces = features.running(), np.empty((1, 25)), []
    for frame in frames:
        sent[:] = frame
        pieces.append(running.push(sent))
    for whole, *parts in zip(together, *pieces, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_cube_roots_from_silence_to_the_loudest_attack():
    squares = np.concatenate([[0.0], np.logspace(-60, 9, 2000)])
    np.testing.assert_allclose(cube_root(squares), np.cbrt(squares), rtol=1e-14, atol=1e-12)


def test_seconds_a_frame_are_no_frames_a_second():
    with pytest.raises(ValueError, match=r"at least 1 frame a second; got 0\.01\."):
        WindowFeatures(frame_rate=0.01)
