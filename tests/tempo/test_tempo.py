"""The beat of clicks, jams and silence, in batch and live."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barkcluster import Session, synthetic
from barkcluster.frames.resampling import rows_at
from barkcluster.tempo import TempoTracker, estimate_tempo, periodicity


@pytest.fixture(scope="module")
def jam():
    session, known = synthetic.make_session(0.5, random_state=4, tempo=124.0, swing=0.5,
                                            surprises=False)
    return session, 60.0 / float(np.diff(known.beats).mean())


def clicks(bpm, seconds=20.0, frame_rate=100.0):
    frames = np.full((round(seconds * frame_rate), 25), -70.0)
    beats = np.arange(0, seconds, 60.0 / bpm)
    frames[(beats * frame_rate).astype(int)] = -20.0
    return frames


@pytest.mark.parametrize("bpm", [65.0, 90.0, 120.0, 123.4, 160.0, 200.0])
def test_finds_the_rate_of_clicks_where_the_range_leaves_one_octave(bpm):
    answer = estimate_tempo(clicks(bpm), bpm_range=(0.75 * bpm, 1.4 * bpm))
    assert answer.bpm == pytest.approx(bpm, rel=0.01)


def test_finds_the_tempo_of_a_jam(jam):
    session, bpm = jam
    answer = estimate_tempo(session)
    assert answer.bpm == pytest.approx(bpm, rel=0.02)
    assert answer.confidence > 0.5
    assert answer.candidates[0].bpm == answer.bpm
    shares = [candidate.share for candidate in answer.candidates]
    assert shares == sorted(shares, reverse=True)
    assert 0.5 < sum(shares) <= 1 + 1e-9


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_halves_exactly_when_frames_are_repeated(jam, factor):
    session, _ = jam
    whole = estimate_tempo(session)
    slow = estimate_tempo(np.repeat(session.frames, factor, axis=0),
                          bpm_range=(40 / factor, 240 / factor))
    if factor == 3:    # a third of three is not exactly one
        assert slow.bpm == pytest.approx(whole.bpm / factor, rel=1e-9)
        assert slow.confidence == pytest.approx(whole.confidence, rel=1e-6)
    else:
        assert slow.bpm == whole.bpm / factor
        assert slow.confidence == whole.confidence


def test_halves_with_frames_drawn_out_between_the_old_ones(jam):
    session, _ = jam
    slow = rows_at(session.frames, np.arange(2 * len(session) - 1) / 2)
    answer = estimate_tempo(slow, bpm_range=(20, 120))
    assert answer.bpm == pytest.approx(estimate_tempo(session).bpm / 2, rel=0.005)


def test_half_the_frame_rate_is_half_the_tempo(jam):
    session, _ = jam
    slow = estimate_tempo(Session(session.frames, frame_rate=50.0), bpm_range=(20, 120))
    assert slow.bpm == estimate_tempo(session).bpm / 2


@pytest.mark.parametrize("bpm", [85.0, 95.0, 110.0, 125.0])
def test_sixteenths_on_the_hi_hat_are_not_the_beat(bpm):
    """The sum of all bands rises with every hat: it was taken for the beat, or for two thirds."""
    frames = np.full((2000, 25), -70.0)
    decay = -20.0 - 4.0 * np.arange(12)[:, None]
    parts = ((slice(0, 6), "x.......x......."), (slice(6, 14), "....x.......x..."),
             (slice(14, 25), "x" * 16))
    for step, at in enumerate((100 * np.arange(0, 19.8, 15 / bpm)).astype(int)):
        for bands, hits in parts:
            if hits[step % 16] == "x":
                here = frames[at:at + 12, bands]
                np.maximum(here, decay, out=here)
    assert estimate_tempo(frames).bpm == pytest.approx(bpm, rel=0.01)


@pytest.mark.parametrize("n_bands", [1, 2, 3, 24, 40])
def test_frames_of_any_number_of_bands(n_bands):
    beat = clicks(120.0)[:, :1]
    session = Session(np.repeat(beat, n_bands, axis=1), n_bands=n_bands)
    assert estimate_tempo(session, bpm_range=(80, 160)).bpm == pytest.approx(120.0, rel=0.01)


def test_level_does_not_matter(jam):
    session, _ = jam
    loud, soft = session.frames.astype(np.float64) + 10, session.frames.astype(np.float64) - 3
    assert estimate_tempo(loud).bpm == pytest.approx(estimate_tempo(soft).bpm, rel=1e-3)


@pytest.mark.parametrize("frame_rate", [86.1328125, 93.75, 172.265625, 50.0, 44.1])
def test_frame_rates_that_do_not_divide_the_beat(jam, frame_rate):
    session, bpm = jam
    frames = rows_at(session.frames, np.arange(0, len(session) - 1, 100.0 / frame_rate))
    assert estimate_tempo(frames, frame_rate=frame_rate).bpm == pytest.approx(bpm, rel=0.02)


def test_onset_strength_does_not_depend_on_pieces(rng, monkeypatch):
    levels = rng.normal(-40, 10, size=(700, 25))
    whole = periodicity.onset_strength(levels, 1.3)
    monkeypatch.setattr(periodicity, "_ROWS_AT_ONCE", 64)
    np.testing.assert_allclose(periodicity.onset_strength(levels, 1.3), whole, atol=1e-9)


@pytest.mark.parametrize("level", [-100.0, -35.0])
def test_silence_and_held_chords_have_no_tempo(level):
    answer = estimate_tempo(np.full((800, 25), level))
    assert math.isnan(answer.bpm)
    assert (answer.confidence, answer.candidates) == (0.0, ())


def test_noise_has_no_confidence(rng):
    assert estimate_tempo(rng.normal(-40, 5, size=(4000, 25))).confidence < 0.3


def test_minus_infinity_is_silence():
    frames = clicks(120.0)
    frames[frames < -60] = -np.inf
    assert estimate_tempo(frames, bpm_range=(80, 160)).bpm == pytest.approx(120.0, rel=0.01)


def test_too_few_frames_names_both_counts():
    with pytest.raises(ValueError, match=r"450 frames \(4.5 s\); got 100. Raise the lower end"):
        estimate_tempo(np.zeros((100, 25)))


@pytest.mark.parametrize("bpm_range", [(120, 60), (100, 101), (0, 100), (1, 100), 120, (60,),
                                       (60, math.nan)])
def test_bpm_range_must_increase(bpm_range):
    with pytest.raises(ValueError, match="bpm_range must be"):
        estimate_tempo(np.zeros((1000, 25)), bpm_range=bpm_range)


@settings(max_examples=20, deadline=None)
@given(st.floats(20, 120), st.floats(1.1, 8), st.integers(0, 1000))
def test_answers_lie_in_the_range_whatever_it_is(slowest, ratio, seed):
    frames = np.random.default_rng(seed).normal(-40, 10, size=(2000, 25))
    answer = estimate_tempo(frames, bpm_range=(slowest, ratio * slowest))
    assert slowest / 1.03 <= answer.bpm <= 1.03 * ratio * slowest
    assert 0 <= answer.confidence <= 1


def test_tracker_answers_as_the_batch_on_what_it_holds(jam):
    session, _ = jam
    frames = session.frames.astype(np.float64)
    tracker = TempoTracker(window=7.0, hop=0.5, memory=False)
    for i, frame in enumerate(frames[:1600], 1):
        answer = tracker.push(frame)
        if i < 450:
            assert answer is None
        elif i % 50 == 0:
            assert answer == estimate_tempo(frames[max(0, i - 700):i])


def answers(frames, **options):
    """What a tracker says each half second."""
    tracker = TempoTracker(**options)
    tempi = [tracker.push(frame) for frame in frames][449::50]
    return np.array([tempo.bpm for tempo in tempi])


def n_jumps(bpm):
    return np.count_nonzero(np.abs(np.diff(np.log2(bpm))) > np.log2(1.04))


@pytest.mark.slow
def test_tempo_does_not_jump_to_half_and_double_within_a_song():
    session, _ = synthetic.make_session(1, random_state=3, surprises=False)
    assert n_jumps(answers(session.frames, memory=False)) > 0
    assert n_jumps(answers(session.frames)) == 0


@pytest.mark.slow
def test_another_tempo_is_followed_within_ten_seconds():
    first, then = (synthetic.make_session(0.5, random_state=1, tempo=bpm, surprises=False)[0]
                   for bpm in (100.0, 130.0))
    bpm = answers(np.concatenate([first.frames, then.frames]))
    before, after = bpm[:50], bpm[71:]  # the first is 4.5 s in, the change 30 s
    np.testing.assert_allclose(before, 100.0, rtol=0.04)
    np.testing.assert_allclose(after, 130.0, rtol=0.04)


@pytest.mark.slow
def test_a_pause_does_not_make_the_octave_forgotten():
    session, _ = synthetic.make_session(0.5, random_state=1, tempo=100.0, surprises=False)
    tracker = TempoTracker()
    for frame in session.frames:
        tracker.push(frame)
    before = tracker._memory.shares.copy()
    for frame in np.full((2000, 25), -100.0):
        answer = tracker.push(frame)
    assert np.isnan(answer.bpm)
    grid = tracker._grid.bpm
    assert abs(grid[tracker._memory.shares.argmax()] / grid[before.argmax()] - 1) < 0.04


def test_tracker_forgets_on_reset():
    tracker = TempoTracker(bpm_range=(80, 160))
    for frame in clicks(120.0):
        answer = tracker.push(frame)
    assert answer is not None
    tracker.reset()
    assert tracker.push(np.zeros(25)) is None
    assert tracker.n_frames == 1


def test_tracker_keeps_a_bounded_number_of_frames():
    tracker = TempoTracker(window=5.0, hop=2.0)
    before = tracker._ring.nbytes
    for frame in np.tile(clicks(100.0, 10.0), (3, 1)):
        tracker.push(frame)
    assert tracker._ring.nbytes == before == 2 * 500 * 25 * 8


def test_tracker_refuses_a_bad_frame_and_goes_on():
    tracker = TempoTracker()
    with pytest.raises(ValueError, match="frame must hold finite"):
        tracker.push(np.full(25, np.nan))
    with pytest.raises(ValueError, match="frame must have shape"):
        tracker.push(np.zeros(24))
    assert tracker.n_frames == 0


def test_tracker_needs_a_window_of_three_slow_beats():
    with pytest.raises(ValueError, match="window must hold 3 beats of the slowest tempo, 4.5 s"):
        TempoTracker(window=2.0)
