"""Whether sessions are sound: one fault made by hand for each kind."""

import numpy as np
import pytest

from barkcluster import Session, check_session, synthetic
from barkcluster.gallery import check_sessions
from barkcluster.gallery.soundness import FAULTS


@pytest.fixture(scope="module")
def jam():
    return np.asarray(synthetic.make_session(0.6, random_state=1, surprises=False)[0])


def faults(frames, **options):
    session = frames if isinstance(frames, Session) else Session(frames)
    return [finding.fault for finding in check_session(session, **options)]


def test_a_jam_is_sound(jam):
    assert faults(jam, longest_s=10.0) == []


def test_silence_is_the_gravest_and_said_alone():
    assert faults(np.full((3000, 25), -100.0)) == ["silent"]


def test_a_stretch_of_silence_is_found(jam):
    quiet = jam.copy()
    quiet[1000:2200] = -100.0
    (finding,) = check_session(Session(quiet))
    assert (finding.fault, finding.text) == ("stretch of silence", "12 s from 10 s")


def test_five_silent_seconds_are_found_within_music_alone(jam):
    quiet = jam.copy()
    quiet[1000:1500] = -100.0
    assert faults(quiet) == ["stretch of silence"]
    assert faults(np.roll(quiet, -1000, axis=0)) == []


def test_dead_bands_are_named_and_a_limit_is_another_fault(jam):
    dead = jam.copy()
    dead[:, 7] = -50.0
    assert check_session(Session(dead))[0].text == "bands 7 never move"
    limited = jam.copy()
    limited[:, 18:] = -100.0
    (finding,) = check_session(Session(limited))
    assert finding.fault == "band limit" and "from band 18, 4400 Hz up" in finding.text


def test_clipped_levels_are_found(jam):
    assert faults(np.minimum(jam, np.percentile(jam, 97, axis=0))) == ["clipped"]


@pytest.mark.parametrize("n_frames", [20, 40])
def test_a_short_loop_is_not_clipped(jam, n_frames):
    assert faults(np.tile(jam[300:300 + n_frames], (4000 // n_frames, 1))) == []


@pytest.mark.parametrize("step_db", [1.0, 3.0, 6.0])
def test_rounded_levels_are_clipped_only_if_they_are(jam, step_db):
    assert faults(np.round(jam / step_db) * step_db) == []
    assert faults(np.minimum(np.round(jam), np.round(np.percentile(jam, 90, axis=0)))) == [
        "clipped"]


@pytest.mark.parametrize("softer_db", [0.0, 30.0, 50.0])
def test_bands_that_soft_music_does_not_reach_are_no_limit(jam, softer_db):
    rolled_off = jam - softer_db - np.linspace(0, 60, 25)
    assert faults(np.maximum(rolled_off, -100.0)) == []


@pytest.mark.parametrize("floor_db", [-40.0, -60.0])
def test_bands_that_a_gate_or_a_high_pass_keeps_on_the_floor_rest(jam, floor_db):
    """Bands above a floor of -40 dB were called dead, and low ones on any floor."""
    assert faults(np.maximum(jam, floor_db)) == []
    rolled_off = jam - 12.0 * np.maximum(0, 8 - np.arange(25))
    assert faults(np.maximum(rolled_off, floor_db - 40.0)) == []
    dead = np.maximum(jam, floor_db)
    dead[:, [0, 7]] = floor_db
    assert check_session(Session(dead))[0].text == "bands 0, 7 never move"


def test_a_dead_band_at_the_top_is_no_limit(jam):
    dead = jam.copy()
    dead[:, 24] = -50.0
    assert check_session(Session(dead))[0].text == "bands 24 never move"


def test_bands_and_frames_that_are_held_are_found(jam):
    held = jam.copy()
    held[1500:, 8] = held[1500, 8]
    (finding,) = check_session(Session(held))
    assert finding.fault == "dead bands"
    assert finding.text == f"bands 8 do not move for {(len(jam) - 1500) / 100:.0f} s from 15 s"
    held = jam.copy()
    held[1500:2700] = held[1500]
    assert check_session(Session(held))[0].text == "no band moves for 12 s from 15 s"


def test_a_hole_between_bands_that_play_is_found(jam):
    """A band that fell to the floor was taken for one that rests."""
    dead = jam.copy()
    dead[1500:2200, 8] = -100.0
    (finding,) = check_session(Session(dead))
    assert finding.text == "bands 8 do not move for 7 s from 15 s"


def test_a_tone_of_sound_is_no_dead_band_and_one_that_was_sent_is():
    tone = np.tile(np.linspace(-90, -20, 25), (1500, 1))
    assert faults(tone) == ["dead bands"]
    assert faults(tone, of_sound=True) == []
    found = check_sessions({"a.wav": Session(tone), "b.txt": Session(tone[:1400] - 3)},
                           of_sound={"a.wav"})
    assert not found["a.wav"] and found["b.txt"]


def test_what_a_codec_left_out_is_a_limit_although_it_is_above_the_floor(jam):
    noisy = jam.copy()
    noisy[:, 22:] = jam[:, 22:] - 55.0
    (finding,) = check_session(Session(noisy))
    assert finding.text.startswith("nothing from band 22, 9500 Hz up")


def test_a_high_tone_in_noise_is_no_limit():
    frames = np.random.default_rng(0).normal(-85.0, 2.0, size=(3000, 25))
    frames[:, 15] += 60.0
    assert faults(frames) == []


def test_bands_that_rest_on_the_floor_or_are_rounded_to_one_level_are_not_held(jam):
    rests = jam.copy()
    rests[1500:, 6:11] = -100.0
    assert faults(rests) == []
    sustained = np.round(jam)
    sustained[500:1700, 3] = sustained[500, 3]
    assert faults(sustained) == []


def test_normalized_numbers_are_of_another_unit(jam):
    (finding,) = check_session(Session((jam - jam.mean(axis=0)) / jam.std(axis=0)))
    assert finding.fault == "units" and "normalized" in finding.text


def test_of_levels_in_another_unit_nothing_else_is_said(jam):
    assert faults(10 ** (jam / 20)) == ["units"]


@pytest.mark.parametrize("linear", [lambda dB: 10 ** (dB / 10), lambda dB: 10 ** (dB / 20),
                                    lambda dB: np.minimum(1e5 * 10 ** (dB / 10), 99.0)])
def test_levels_that_look_linear_are_found(jam, linear):
    assert faults(linear(jam))[0] == "units"


@pytest.mark.parametrize("logarithm", [
    lambda dB: dB / 10 * np.log(10), lambda dB: dB / 10, lambda dB: dB / 20,
    lambda dB: np.log1p(1e6 * 10 ** (dB / 10))], ids=["ln", "bels", "log10 amplitude", "log1p"])
def test_other_logarithms_are_another_unit(jam, logarithm):
    (finding,) = check_session(Session(logarithm(jam)))
    assert finding.fault == "units" and "logarithms, not dB?" in finding.text


def test_levels_that_lost_their_minus_are_upside_down(jam):
    (finding,) = check_session(Session(-jam))
    assert finding.fault == "units" and "without the minus?" in finding.text
    assert faults(jam - jam.min()) == faults(jam) == []
    silent_at_first = np.concatenate([np.full((300, 25), -100.0), jam])
    assert "without the minus?" in check_session(Session(-silent_at_first))[0].text


@pytest.mark.parametrize("offset_db", [0.0, 30.0, 94.0])
def test_noise_in_dB_of_any_reference_is_in_dB(offset_db):
    frames = np.random.default_rng(0).normal(-40.0 + offset_db, 6.0, size=(3000, 25))
    assert faults(frames) == []


def test_too_short_and_missing_frames_are_found(jam):
    assert faults(jam[:1000], longest_s=10.0) == ["too short"]
    assert faults(Session(jam, gaps=[(500, 30), (900, 20)])) == ["missing frames"]


def test_another_frame_rate_than_most_is_found(jam):
    found = check_sessions({"a": Session(jam), "b": Session(jam[::-1]),
                            "c": Session(jam[::2] + 1.0, 50.0)})
    assert "frame rate" in [finding.fault for finding in found["c"]]
    assert not found["b"]


def test_findings_are_in_the_order_of_their_gravity(jam):
    bad = jam[:800].copy()
    bad[:, 3] = -40.0
    found = faults(bad, longest_s=10.0)
    assert found == sorted(found, key=FAULTS.index) == ["too short", "dead bands"]


def test_sessions_without_frames_and_of_other_bands_can_be_checked_together(jam):
    found = check_sessions({"empty": Session(np.empty((0, 25))), "jam": Session(jam),
                            "ten": Session(jam[:, :10], n_bands=10)})
    assert [finding.fault for finding in found["empty"]] == ["too short"]
    assert found["jam"] == found["ten"] == []


@pytest.mark.parametrize("n_frames", [2, 20, 45])
def test_the_highest_frame_of_a_short_session_is_not_clipped(jam, n_frames):
    assert "clipped" not in faults(jam[:n_frames])
