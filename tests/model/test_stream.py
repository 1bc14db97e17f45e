"""Frame by frame: the numbers of timeline, and what a stream does with gaps and garbage."""

import gc

import numpy as np
import pytest

from barkcluster import SCORERS, FamiliarityModel, Session, WindowFeatures
from barkcluster.model import FamiliarityStream, Reading
from tests.every_scorer import soon

N_BANDS = 25


def jam(rng, n_frames):
    """Levels that rise and decay on a beat, so that no two windows are alike."""
    beat = np.exp(-(np.arange(n_frames) % 47) / 9.0)[:, None] * rng.uniform(5, 25, N_BANDS)
    drift = np.cumsum(rng.normal(0, 0.3, size=(n_frames, N_BANDS)), axis=0)
    return -50 + beat + drift + rng.normal(0, 2, size=(n_frames, N_BANDS))


def pushed(stream, frames):
    readings = [stream.push(frame) for frame in frames]
    return [reading for reading in readings if reading is not None]


def assert_same(readings, timeline):
    np.testing.assert_array_equal([r.time for r in readings], timeline.times)
    np.testing.assert_allclose([r.familiarity for r in readings], timeline.familiarity,
                               rtol=1e-9, atol=0)
    np.testing.assert_allclose([r.by_scale for r in readings], timeline.by_scale,
                               rtol=1e-9, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORERS)
def test_frame_by_frame_equals_the_whole(rng, name):
    heard = jam(rng, 1700)
    model = FamiliarityModel(soon(name), scales=(0.3, 1.0, 3.2), random_state=0).fit(heard[:1000])
    assert_same(pushed(model.stream(), heard[1000:]), model.timeline(heard[1000:]))


@pytest.mark.slow
@pytest.mark.parametrize("scales", [(0.02,), (0.05, 0.5), (0.5, 1.0, 3.0, 4.0)])
@pytest.mark.parametrize("hop", [0.01, 0.07, 1.3])
def test_any_scales_and_hop(rng, scales, hop):
    heard = jam(rng, 1800)
    model = FamiliarityModel("kmeans", scales=scales, hop=hop, random_state=0).fit(heard[:1250])
    assert_same(pushed(model.stream(), heard[1200:]), model.timeline(heard[1200:]))


@pytest.mark.slow
@pytest.mark.parametrize("frame_rate", [86.1328125, 43.07, 7.3, 187.5])
def test_any_frame_rate(rng, frame_rate):
    heard = Session(jam(rng, 2600), frame_rate)
    model = FamiliarityModel(scales=(0.5, 3.0)).fit(Session(heard.frames[:2000], frame_rate))
    rest = Session(heard.frames[1900:], frame_rate)
    assert_same(pushed(model.stream(), rest.frames), model.timeline(rest))


@pytest.mark.slow
def test_learned_from_several_takes(rng):
    takes = [jam(rng, n) for n in (900, 150, 700)]
    model = FamiliarityModel(scales=(0.5, 1.0, 3.0)).fit(takes)
    for take in takes:
        assert_same(pushed(model.stream(), take), model.timeline(take))


@pytest.mark.slow
def test_longer_than_the_batch_is_cut_in(rng):
    # Batches run in chunks of 4096 frames; running sums are moved after as many.
    heard = jam(rng, 9500)
    model = FamiliarityModel("kmeans", scales=(0.5, 3.0), hop=0.5, random_state=0)
    model.fit(heard[:1000])
    assert_same(pushed(model.stream(), heard), model.timeline(heard))


def test_single_precision_equals_the_whole(rng):
    heard = jam(rng, 1600).astype(np.float32)
    model = FamiliarityModel(scales=(0.5, 1.0)).fit(heard[:1000])
    assert_same(pushed(model.stream(), heard[900:]), model.timeline(heard[900:]))


@pytest.fixture
def model(rng):
    return FamiliarityModel(scales=(0.2, 1.0), hop=0.05).fit(jam(rng, 900))


def test_silence_and_minus_infinity_equal_the_whole(rng, model):
    heard = jam(rng, 300)
    heard[100:220] = -np.inf
    heard[50, 3] = -np.inf
    heard[60, 4] = -400.0
    stream = model.stream()
    assert_same(pushed(stream, heard), model.timeline(heard))
    assert stream.n_silent == 120
    assert stream.n_rejected == 0


def test_extend_is_many_pushes(rng, model):
    heard = jam(rng, 250)
    assert_same(model.stream().extend(heard), model.timeline(heard))


def test_a_rejected_frame_is_as_if_never_sent(rng, model):
    heard = jam(rng, 200)
    for garbage in (np.nan, np.inf, 100.5, 1e6, 1e39):
        dirty = np.insert(heard, 77, heard[0], axis=0)
        dirty[77, 5] = garbage
        stream = model.stream()
        assert_same(pushed(stream, dirty), model.timeline(heard))
        assert stream.n_rejected == 1
        assert stream.n_frames == 200
    assert stream.last_error == ("frame 77 must hold finite levels in dB, at most 100; got 1e+39 "
                                 "in band 5.")


def test_no_window_spans_a_gap(rng, model):
    before, after = jam(rng, 233), jam(rng, 190)
    stream = model.stream()
    first = pushed(stream, before)
    for _ in range(7):
        assert stream.push(None) is None
    second = pushed(stream, after)
    assert_same(first, model.timeline(before))
    fresh = model.timeline(after)
    np.testing.assert_allclose([r.familiarity for r in second], fresh.familiarity, rtol=1e-9)
    np.testing.assert_allclose([r.time for r in second], fresh.times + 2.40, rtol=1e-12)
    assert (stream.n_frames, stream.n_missing, stream.n_gaps) == (430, 7, 1)


def test_skip_is_as_many_missing_frames(rng, model):
    heard = jam(rng, 200)
    one_by_one, at_once = model.stream(), model.stream()
    for stream in (one_by_one, at_once):
        stream.extend(heard[:120])
    for _ in range(30):
        one_by_one.push(None)
    at_once.skip(30)
    for a, b in zip(one_by_one.extend(heard), at_once.extend(heard), strict=True):
        assert a.time == b.time
        assert a.familiarity == b.familiarity
    assert one_by_one.n_gaps == at_once.n_gaps == 1


def test_missing_before_the_first_frame_is_no_gap(rng, model):
    stream = model.stream()
    stream.skip(100)
    assert stream.n_gaps == 0
    assert stream.extend(jam(rng, 20))[0].time == pytest.approx(1.2)


def test_reset_begins_anew(rng, model):
    heard = jam(rng, 200)
    stream = model.stream()
    stream.extend(jam(rng, 133))
    stream.push(np.full(N_BANDS, np.nan))
    stream.skip(3)
    stream.reset()
    assert_same(pushed(stream, heard), model.timeline(heard))
    assert (stream.n_frames, stream.n_missing, stream.n_rejected) == (200, 0, 0)
    assert stream.last_error is None


def test_pushing_changes_neither_frame_nor_model(rng, model):
    heard = jam(rng, 200)
    heard[10] = -np.inf
    copy, before = heard.copy(), model.timeline(heard)
    model.stream().extend(heard)
    np.testing.assert_array_equal(heard, copy)
    np.testing.assert_array_equal(model.timeline(heard).familiarity, before.familiarity)


def test_two_streams_of_one_model_do_not_meet(rng, model):
    one, other = jam(rng, 200), jam(rng, 200)
    first, second = model.stream(), model.stream()
    mixed = [(first.push(a), second.push(b)) for a, b in zip(one, other, strict=True)]
    assert_same([a for a, _ in mixed if a is not None], model.timeline(one))
    assert_same([b for _, b in mixed if b is not None], model.timeline(other))


def test_a_reading_tells_degrees_of_novelty():
    reading = Reading(1.0, 0.01, np.array([0.01]))
    assert reading.novelty == pytest.approx(2.0)


def test_no_model_yet_no_readings(rng, model):
    features = WindowFeatures((0.2, 1.0, 2.0), hop=0.05)
    stream = FamiliarityStream(None, features=features)
    heard = jam(rng, 300)
    assert stream.extend(heard[:150]) == []
    stream.model = model
    later = stream.extend(heard[150:])
    expected = model.timeline(heard)
    # What was heard before the model came fills its windows; of 2 s windows it knows nothing.
    np.testing.assert_allclose([r.familiarity for r in later], expected.familiarity[-len(later):],
                               rtol=1e-9)
    assert all(r.by_scale.shape == (3,) and np.isnan(r.by_scale[2]) for r in later)


def test_a_swapped_model_answers_from_the_next_frame_on(rng, model):
    heard = jam(rng, 400)
    later = FamiliarityModel("kmeans", scales=(0.2, 1.0), hop=0.05, random_state=1).fit(heard)
    stream = model.stream()
    first = stream.extend(heard[:200])
    stream.model = later
    second = stream.extend(heard[200:])
    np.testing.assert_allclose([r.familiarity for r in first],
                               model.timeline(heard).familiarity[:len(first)], rtol=1e-9)
    np.testing.assert_allclose([r.familiarity for r in second],
                               later.timeline(heard).familiarity[len(first):], rtol=1e-9)


def same_but_for_what_was_lately(after_a_swap, of_timeline):
    """What is strange is so by what was lately, which another model said, or none."""
    strange = of_timeline < 0.05
    np.testing.assert_array_equal(np.array(after_a_swap) < 0.05, strange)
    np.testing.assert_allclose(np.array(after_a_swap)[~strange], of_timeline[~strange], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("hop", [0.05, 0.07])
def test_a_swap_does_not_empty_the_averages_of_the_patterns(rng, hop):
    """Before, readings lacked the patterns for as long as the longest scale takes to fill."""
    heard = jam(rng, 1000)
    old, new = (FamiliarityModel(soon(name), scales=(0.5, 3.0, 6.0), hop=hop, random_state=0)
                .fit(jam(rng, 2000)) for name in ("kmeans", "knn"))
    expected = new.timeline(heard)
    # Before patterns are full, before the longest scale is, and after.
    for swapped_at in (190, 530, 933):
        stream = old.stream()
        stream.extend(heard[:swapped_at])
        stream.model = new
        later = stream.extend(heard[swapped_at:])
        n = len(later)
        same_but_for_what_was_lately([r.familiarity for r in later], expected.familiarity[-n:])
        np.testing.assert_allclose([r.by_scale for r in later], expected.by_scale[-n:],
                                   rtol=1e-9)


def test_the_first_model_knows_the_patterns_heard_before_it_came(rng):
    heard = jam(rng, 1800)
    model = FamiliarityModel(scales=(0.5, 2.0, 4.0), hop=0.05).fit(jam(rng, 1500))
    stream = FamiliarityStream(None, features=WindowFeatures((0.5, 2.0, 4.0, 10.0), hop=0.05))
    stream.extend(heard[:1111])
    stream.model = model
    later, expected = stream.extend(heard[1111:]), model.timeline(heard)
    same_but_for_what_was_lately([r.familiarity for r in later],
                                 expected.familiarity[-len(later):])


def test_a_swap_behind_a_gap_recalls_nothing_from_before_it(rng):
    heard = jam(rng, 1500)
    model = FamiliarityModel(scales=(0.5, 3.0), hop=0.05).fit(jam(rng, 1500))
    stream = model.stream()
    stream.extend(heard[:900])
    stream.skip(3)
    stream.extend(heard[900:1130])
    stream.model = model
    later, expected = stream.extend(heard[1130:]), model.timeline(heard[900:])
    np.testing.assert_allclose([r.familiarity for r in later],
                               expected.familiarity[-len(later):], rtol=1e-9)


def test_a_model_with_other_windows_is_refused(rng, model):
    other = FamiliarityModel(scales=(0.3, 1.0), hop=0.05).fit(jam(rng, 900))
    with pytest.raises(ValueError, match="model must use the stream's windows"):
        model.stream().model = other


def test_another_frame_rate_is_refused(rng, model):
    with pytest.raises(ValueError, match=r"frames must come at 100 a second.*got 86\.13"):
        model.stream().extend(Session(jam(rng, 50), 86.13))
    with pytest.raises(ValueError, match="frames must come at 100 a second"):
        model.stream().check_frame_rate(50)
    model.stream().check_frame_rate(100.2)


@pytest.mark.parametrize("frame, message", [
    (np.zeros(24), r"frame must have shape \(25,\); got \(24,\)"),
    (np.zeros((3, 25)), r"got \(3, 25\)\. Several frames at once: extend"),
    ("-40 -50", "frame must be 25 numbers; got '-40 -50'"),
    ([[1], [2, 3]], "frame must be 25 numbers"),
])
def test_a_frame_of_another_shape_names_both(model, frame, message):
    with pytest.raises(ValueError, match=message):
        model.stream().push(frame)


@pytest.mark.slow
def test_pushing_leaves_nothing_for_the_garbage_collector(rng, model):
    stream = model.stream()
    heard = jam(rng, 500)
    stream.extend(heard)
    gc.collect()
    gc.disable()
    try:
        for frame in heard:
            stream.push(frame)
        assert gc.collect() == 0
    finally:
        gc.enable()
