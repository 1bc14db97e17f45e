"""Frames, sessions of them, and sound to frames."""

import copy
import dataclasses

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from barkcluster.frames import (
    BARK_EDGES_HZ,
    FLOOR_DB,
    N_BANDS,
    BarkAnalyzer,
    Session,
    bark_frames,
    check_frames,
    linear_to_db,
)

SECOND = np.arange(44100) / 44100
CENTERS_HZ = (BARK_EDGES_HZ[:-1] + BARK_EDGES_HZ[1:]) / 2


def sine(hertz, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hertz * SECOND)


# What a frame is

def test_bands_are_zwickers_and_one_more():
    assert len(BARK_EDGES_HZ) == N_BANDS + 1
    assert BARK_EDGES_HZ[[0, 1, 4, 8, 16, 24, 25]].tolist() == [
        0, 100, 400, 920, 3150, 15500, 20500]
    assert np.all(np.diff(BARK_EDGES_HZ) > 0)


def test_edges_lie_near_whole_barks_of_zwicker_and_terhardt():
    # Zwicker and Terhardt (1980), eq. 1: within 0.2 Bark of the table.
    khz = BARK_EDGES_HZ[:25] / 1000
    bark = 13 * np.arctan(0.76 * khz) + 3.5 * np.arctan((khz / 7.5) ** 2)
    np.testing.assert_allclose(bark, np.arange(25), atol=0.25)


def test_edges_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        BARK_EDGES_HZ[0] = 20


# check_frames

@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int16, np.uint8, ">f8"])
def test_numbers_become_float64(dtype):
    checked = check_frames(np.full((4, 25), 3, dtype=dtype))
    assert checked.dtype == np.float64
    assert np.all(checked == 3)


def test_float32_stays_and_clean_frames_are_not_copied():
    frames = np.full((4, 25), -40, dtype=np.float32)
    assert check_frames(frames) is frames


def test_below_the_floor_becomes_the_floor_and_the_argument_stays(rng):
    frames = rng.normal(-100, 10, size=(40, 25))
    frames[3, 4] = -np.inf
    before = frames.copy()
    checked = check_frames(frames)
    np.testing.assert_array_equal(frames, before)
    np.testing.assert_array_equal(checked, [[max(v, FLOOR_DB) for v in row] for row in before])


def test_no_frames_at_all_are_frames():
    assert check_frames(np.empty((0, 25))).shape == (0, 25)


@pytest.mark.parametrize(("frames", "message"), [
    (np.zeros((25, 300)), r"^frames must have shape \(n, 25\); got \(25, 300\)\. Transpose it\?$"),
    (np.zeros((300, 24)), r"^frames must have shape \(n, 25\); got \(300, 24\)\.$"),
    (np.zeros(25), r"got \(25,\)\. One frame alone is an array of shape \(1, 25\)\.$"),
    (np.zeros((2, 3, 25)), r"got \(2, 3, 25\)\.$"),
    (-40.0, r"got \(\)\.$"),
    ([[0.0] * 25, [0.0] * 24], r"shape \(n, 25\); got rows of different lengths"),
    ([["a"] * 25], "must hold real numbers; got dtype <U1"),
    (np.zeros((3, 25), dtype=complex), "must hold real numbers; got dtype complex128"),
    (np.full((3, 25), None), "must hold real numbers; got dtype object"),
    (np.zeros((3, 25), dtype=bool), "must hold real numbers; got dtype bool"),
])
def test_what_is_no_frames_array_says_so(frames, message):
    with pytest.raises(ValueError, match=message):
        check_frames(frames)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e10, 100.5])
def test_not_finite_says_where(value):
    frames = np.zeros((300, 25))
    frames[17, 3] = value
    with pytest.raises(ValueError, match=r"^take must hold finite levels in dB, at most 100 .*got "
                                         rf"{value:g} in row 17, band 3\.$".replace("+", r"\+")):
        check_frames(frames, name="take")


def test_what_is_masked_is_not_taken_for_levels():
    frames = np.ma.masked_greater(np.where(np.arange(75).reshape(3, 25) == 30, 0.0, -40.0), -1.0)
    for check in (check_frames, Session):
        with pytest.raises(ValueError, match=r"frames must hold every number; got an array with 1 "
                                             r"of 75 masked\."):
            check(frames)
    with pytest.raises(ValueError, match="power must hold every number"):
        linear_to_db(np.ma.masked_equal([0.0, 1.0], 0.0))
    with pytest.raises(ValueError, match="sound must hold every number"):
        bark_frames(np.ma.masked_equal(np.zeros(4096), 0.0), 44100)
    assert len(check_frames(np.ma.masked_greater(np.full((3, 25), -40.0), -1.0))) == 3


def test_other_band_counts_when_asked_for():
    assert check_frames(np.zeros((3, 24)), 24).shape == (3, 24)


# Session

def test_session_knows_its_length():
    session = Session(np.zeros((250, 25)), 50.0, "jam")
    assert (len(session), session.duration, session.n_bands) == (250, 5.0, 25)
    assert repr(session) == "<Session 'jam': 250 frames, 5 s at 50 Hz>"


def test_session_does_not_change_with_the_array_it_was_made_of(rng):
    frames = rng.normal(-40, 5, size=(10, 25))
    session = Session(frames)
    before = session.frames.copy()
    frames[:] = 0
    np.testing.assert_array_equal(session.frames, before)


@pytest.mark.parametrize("view", [
    np.asarray, lambda session: session.frames, lambda session: session.between(0, 1).frames])
def test_session_is_read_only(view):
    session = Session(np.zeros((10, 25)))
    with pytest.raises(ValueError, match="read-only"):
        view(session)[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        session.frame_rate = 50


def test_a_copy_of_the_frames_is_the_callers_own():
    session = Session(np.zeros((10, 25)))
    mine = np.array(session)
    mine[0, 0] = 1
    assert session.frames[0, 0] == 0
    assert np.asarray(session, dtype=np.float32).dtype == np.float32
    assert np.asarray(session) is not None and np.shares_memory(session, session.frames)


def test_session_keeps_float32_and_cleans():
    session = Session(np.full((3, 25), -np.inf, dtype=np.float32))
    assert session.frames.dtype == np.float32
    assert np.all(session.frames == FLOOR_DB)


def test_session_of_other_bands():
    assert Session(np.zeros((3, 4)), n_bands=4).between(0, 1).n_bands == 4


def test_session_copies_deeply():
    session = copy.deepcopy(Session(np.zeros((3, 25)), name="a"))
    assert session.name == "a" and len(session) == 3


@pytest.mark.parametrize(("arguments", "message"), [
    ((np.zeros((25, 3)),), r"Transpose it\?"),
    ((np.zeros((3, 25)), 0), "frame_rate must be a positive number; got 0"),
    ((np.zeros((3, 25)), np.nan), "frame_rate must be a positive number; got nan"),
])
def test_session_checks_its_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Session(*arguments)


def test_between_takes_whole_frames(rng):
    session = Session(rng.normal(-40, 5, size=(300, 25)), name="jam")
    part = session.between(0.5, 1.25)
    np.testing.assert_array_equal(part.frames, session.frames[50:125])
    assert part.name == "jam"
    assert len(session.between(2.9, 100)) == 10
    assert len(session.between(1, np.inf)) == 200
    assert len(session.between(1, 1)) == 0


@pytest.mark.parametrize(("start_s", "stop_s", "message"), [
    (-1, 2, "start_s must be 0 or more; got -1"),
    (0, np.nan, "stop_s must be 0 or more; got nan"),
    (2, 1, "stop_s must not be before start_s=2; got 1"),
])
def test_between_checks_its_times(start_s, stop_s, message):
    with pytest.raises(ValueError, match=message):
        Session(np.zeros((300, 25))).between(start_s, stop_s)


def test_parts_make_the_whole(rng):
    session = Session(rng.normal(-40, 5, size=(100, 25)), 86.1328125)
    parts = [session.between(0, 0.3), session.between(0.3, 0.7), session.between(0.7, np.inf)]
    np.testing.assert_array_equal(np.concatenate([p.frames for p in parts]), session.frames)


# linear_to_db

def test_linear_to_db():
    np.testing.assert_allclose(linear_to_db([0, 1e-10, 0.1, 1, 100]),
                               [-100, -96.98970, -10, 0, 20], atol=1e-5)
    assert linear_to_db(np.float32([1])).dtype == np.float32


@pytest.mark.parametrize("power", [[-1.0], [np.nan]])
def test_linear_to_db_rejects_levels(power):
    with pytest.raises(ValueError, match=r"power must be 0 or more.*dB already\?"):
        linear_to_db(power)


# bark_frames

@pytest.mark.parametrize(("sample_rate", "frame_rate", "seconds"), [
    (8000, 100.0, 0.09), (8000, 44100 / 512, 0.09), (11025, 33.3, 0.16), (9999.5, 250, 0.06)])
def test_bark_frames_agrees_with_naive(rng, sample_rate, frame_rate, seconds):
    sound = 0.1 * rng.normal(size=round(seconds * sample_rate)) + 0.05
    frames = bark_frames(sound, sample_rate, frame_rate=frame_rate)
    slow = naive.bark_frames(sound, sample_rate, frame_rate)
    assert len(frames) > 3
    np.testing.assert_allclose(frames, slow, atol=2e-3)


def test_bark_frames_agrees_with_naive_at_full_rate(rng):
    sound = 0.1 * rng.normal(size=2048)
    np.testing.assert_allclose(
        bark_frames(sound, 44100), naive.bark_frames(sound, 44100), atol=2e-3)


@pytest.mark.parametrize("band", range(N_BANDS))
@pytest.mark.parametrize(("amplitude", "level"), [(1.0, 0.0), (0.1, -20.0), (0.001, -60.0)])
def test_a_sine_at_a_bands_center_reads_its_level_there(band, amplitude, level):
    frames = bark_frames(sine(CENTERS_HZ[band], amplitude), 44100)
    assert np.all(frames.argmax(axis=1) == band)
    np.testing.assert_allclose(frames[:, band], level, atol=0.02)
    # A Hann window's side lobes: from two bins off all is 31 dB down or more.
    others = np.delete(frames, band, axis=1)
    assert others.max() < level - 28


def test_a_bin_on_an_edge_belongs_to_the_band_above():
    # At 3240 Hz the window has 150 samples and bin 50 lies on the edge of 1080 Hz. A Hann
    # window puts 1/6, 4/6 and 1/6 of a sine's power in the bins 49, 50 and 51.
    sound = np.sin(2 * np.pi * 1080 * np.arange(3240) / 3240)
    frame = bark_frames(sound, 3240)[0]
    np.testing.assert_allclose(
        frame[[8, 9]], [10 * np.log10(1 / 6), 10 * np.log10(5 / 6)], atol=1e-3)


def test_bands_add_up_to_the_power_of_noise(rng):
    sound = 0.05 * rng.normal(size=44100 * 5)
    power = 10 ** (bark_frames(sound, 44100) / 10)
    share = 20500 / 22050
    assert power.sum(axis=1).mean() == pytest.approx(share * 2 * 0.05 ** 2, rel=0.02)


def test_silence_is_the_floor():
    frames = bark_frames(np.zeros(44100), 44100)
    assert frames.shape == (96, 25) and frames.dtype == np.float32
    assert np.all(frames == FLOOR_DB)


def test_bands_above_half_the_sample_rate_are_the_floor(rng):
    frames = bark_frames(rng.normal(size=8000), 8000)
    above = BARK_EDGES_HZ[:-1] > 4000
    assert np.all(frames[:, above] == FLOOR_DB)
    assert np.all(frames[:, ~above] > -40)


def test_level_follows_gain(rng):
    sound = rng.normal(size=10000)
    np.testing.assert_allclose(
        bark_frames(sound, 44100) - bark_frames(sound / 2, 44100), 6.0206, atol=1e-3)


@pytest.mark.parametrize("sample_rate", [22050, 44100, 48000, 96000])
def test_sample_rate_does_not_move_bands_or_levels(sample_rate):
    time = np.arange(sample_rate) / sample_rate
    frames = bark_frames(0.5 * np.sin(2 * np.pi * 1000 * time), sample_rate)
    assert len(frames) == 96
    np.testing.assert_allclose(frames[:, 8], -6.0206, atol=0.02)


def test_frames_start_where_they_say():
    # A click in sample 4410 is in the windows that start in (4410 - 2048, 4410].
    sound = np.zeros(44100)
    sound[4410] = 1
    loud = np.flatnonzero(bark_frames(sound, 44100).max(axis=1) > FLOOR_DB)
    assert loud.tolist() == [6, 7, 8, 9]  # the Hann window of frame 10 begins with 0


@pytest.mark.parametrize(("n_samples", "n_frames"), [
    (0, 0), (2047, 0), (2048, 1), (2048 + 440, 1), (2048 + 441, 2)])
def test_only_whole_windows_count(n_samples, n_frames):
    assert bark_frames(np.zeros(n_samples), 44100).shape == (n_frames, 25)


@pytest.mark.parametrize(("dtype", "scale"), [
    (np.int16, 2 ** 15), (np.int32, 2 ** 31), (np.uint8, 2 ** 7)])
def test_integer_samples_are_scaled(dtype, scale):
    sound = sine(1000, 0.5)
    samples = np.round(sound * scale) + (128 if dtype == np.uint8 else 0)
    frames = bark_frames(samples.astype(dtype), 44100)
    np.testing.assert_allclose(frames[:, 8], -6.0206, atol=0.05)


def test_sound_is_left_alone(rng):
    sound = rng.normal(size=5000).astype(np.float32)
    before = sound.copy()
    bark_frames(sound, 44100)
    np.testing.assert_array_equal(sound, before)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 6000), max_size=8),
       frame_rate=st.sampled_from([100.0, 86.13, 7]))
def test_pieces_give_the_frames_of_the_whole(cuts, frame_rate):
    sound = np.random.default_rng(5).normal(size=6000)
    analyzer = BarkAnalyzer(16000, frame_rate=frame_rate)
    pieces = np.split(sound, sorted(cuts))
    frames = np.concatenate([analyzer.push(piece) for piece in pieces])
    np.testing.assert_allclose(
        frames, bark_frames(sound, 16000, frame_rate=frame_rate), atol=1e-3)


def test_a_long_sound_is_analysed_as_its_parts(rng):
    # Longer than the pieces that the analysis makes of it.
    sound = 0.1 * rng.normal(size=400_000).astype(np.float32)
    frames = bark_frames(sound, 44100)
    assert len(frames) == (400_000 - 2048) // 441 + 1
    for row in (0, 296, 297, 298, 594, len(frames) - 1):
        alone = bark_frames(sound[row * 441:row * 441 + 2048], 44100)
        np.testing.assert_allclose(frames[row], alone[0], atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(sound=hnp.arrays(np.float32, st.integers(0, 4000),
                        elements=st.floats(-1000, 1000, width=32)))
def test_any_sound_gives_finite_frames_at_or_above_the_floor(sound):
    frames = bark_frames(sound, 8000)
    assert np.isfinite(frames).all()
    assert frames.size == 0 or frames.min() >= FLOOR_DB


@pytest.mark.parametrize(("sound", "message"), [
    (np.zeros((44100, 2)), r"shape \(n_samples,\); got \(44100, 2\)\. Mix the channels first"),
    (0.0, r"shape \(n_samples,\); got \(\)"),
    (np.zeros(10, dtype=np.int64), "floats with full scale 1.0, or int16.*; got dtype int64"),
    (np.zeros(10, dtype=complex), "got dtype complex128"),
    (np.array([0.0, np.nan]), "finite; got nan or inf at sample 1"),
    (np.array([0.0, 0.5, -np.inf]), "finite; got nan or inf at sample 2"),
    (np.array([0.0, -32768.0]), "full scale 1.0; got a peak of 32768. Divide 16-bit"),
])
def test_what_is_no_sound_says_so(sound, message):
    with pytest.raises(ValueError, match=f"^sound must .*{message}"):
        bark_frames(sound, 44100)


@pytest.mark.parametrize(("sample_rate", "frame_rate", "message"), [
    (44.1, 100, r"sample_rate must be at least 1000 Hz; got 44.1. In Hz, not kHz\?"),
    (0, 100, "sample_rate must be a positive number; got 0"),
    (44100, 0, "frame_rate must be a positive number; got 0"),
    (44100, 1e6, "frame_rate must not exceed sample_rate=44100; got 1000000.0"),
])
def test_rates_are_checked(sample_rate, frame_rate, message):
    with pytest.raises(ValueError, match=message):
        bark_frames(np.zeros(10), sample_rate, frame_rate=frame_rate)


def test_bad_sound_leaves_the_analyzer_as_it_was(rng):
    sound = rng.normal(size=5000)
    analyzer = BarkAnalyzer(44100)
    first = analyzer.push(sound[:3000])
    with pytest.raises(ValueError, match="finite"):
        analyzer.push(np.array([np.nan]))
    second = analyzer.push(sound[3000:])
    np.testing.assert_allclose(
        np.concatenate([first, second]), bark_frames(sound, 44100), atol=1e-3)


def test_a_signalling_nan_of_another_type_is_refused_without_a_warning():
    # Found by a fuzzer: the conversion warned before the error was raised.
    half = np.zeros((2, 25), dtype=np.float16)
    half.view(np.uint16)[0, 0] = 0x7C01
    other_end = np.zeros((2, 25), dtype=">f4")
    other_end.view(">u4")[1, 3] = 0x7F800001
    for frames in (half, other_end):
        with pytest.raises(ValueError, match="must hold finite levels"):
            check_frames(frames)
