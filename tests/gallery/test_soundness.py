"""Whether sessions are sound: one fault made by hand for each kind."""

import numpy as np
import pytest

from barkcluster import Session, check_session, synthetic
from barkcluster.frames.bark import bark_frames
from barkcluster.gallery import check_sessions, soundness
from barkcluster.gallery.soundness import FAULTS, copies


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


def test_a_band_that_rests_on_the_floor_or_is_rounded_to_one_level_is_not_held(jam):
    rests = jam.copy()
    rests[1500:, 8] = -100.0
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


def test_too_short_and_missing_frames_are_found(jam):
    assert faults(jam[:1000], longest_s=10.0) == ["too short"]
    assert faults(Session(jam, gaps=[(500, 30), (900, 20)])) == ["missing frames"]


def test_another_frame_rate_than_most_is_found(jam):
    found = check_sessions({"a": Session(jam), "b": Session(jam[::-1]),
                            "c": Session(jam[::2] + 1.0, 50.0)})
    assert "frame rate" in [finding.fault for finding in found["c"]]
    assert not found["b"]


@pytest.mark.slow
def test_copies_are_found_exact_softer_shifted_and_contained(jam):
    others = {f"other {i}": Session(np.asarray(synthetic.make_session(
        0.6, random_state=10 + i, surprises=False)[0])) for i in range(3)}
    said = copies({
        "jam": Session(jam), **others, "same": Session(jam), "softer": Session(jam - 6.0),
        "part": Session(jam[733:2300])})
    assert set(said) == {"same", "softer", "part"}
    assert said["same"] == "the same as jam"
    assert "6.0 dB softer" in said["softer"]
    assert said["part"].startswith("contained in") and "from its second 7.3" in said["part"]


def test_a_softer_copy_is_found_although_quiet_bands_lie_on_the_floor(jam):
    """What was on the floor does not get softer: no frame had the shape that it had before."""
    low = np.maximum(jam, -100.0)
    low[:, 12:] = -100.0
    said = copies({"jam": Session(low), "softer": Session(np.maximum(low - 6.0, -100.0))})
    assert said == {"softer": "the same as jam, 6.0 dB softer"}


def test_copies_that_are_shifted_by_half_a_frame_are_found():
    sound, sample_rate, _ = synthetic.make_sound(0.5, random_state=3, surprises=False)
    other, _, _ = synthetic.make_sound(0.5, random_state=4, surprises=False)
    half_a_frame = sample_rate // 200
    cut = sound[5 * sample_rate + half_a_frame:]
    found = copies({name: Session(bark_frames(samples, sample_rate)) for name, samples in {
        "whole": sound, "late": sound[half_a_frame:], "cut": 0.3 * cut, "other": other}.items()})
    assert found == {"late": "the same as whole",
                     "cut": "the same as whole, 10.5 dB softer, from its second 5.0"}


def test_excerpts_of_music_that_repeats_are_found(rng):
    riff = np.repeat(rng.normal(-45, 8, size=(8, 25)), 50, axis=0)
    played = np.tile(riff, (12, 1)) + np.repeat(rng.normal(0, 0.3, size=(96, 25)), 50, axis=0)
    found = copies({"whole": Session(played), "part": Session(played[1640:3800])})
    assert found == {"part": "contained in whole, from its second 16.4"}


def test_other_takes_by_the_same_hands_are_no_copies():
    rng = np.random.default_rng(0)
    band = rng.normal(-45, 8, size=(4, 25))

    def take(seed):
        notes = np.random.default_rng(seed).integers(4, size=100)
        return Session(np.repeat(band[notes], 25, axis=0)
                       + np.random.default_rng([seed, 1]).normal(0, 2, size=(2500, 25)))

    assert copies({"a": take(1), "b": take(2)}) == {}
    assert copies({}) == {}


def test_findings_are_in_the_order_of_their_gravity(jam):
    bad = jam[:800].copy()
    bad[:, 3] = -40.0
    found = faults(bad, longest_s=10.0)
    assert found == sorted(found, key=FAULTS.index) == ["too short", "dead bands"]


@pytest.mark.parametrize("frames", [
    np.tile(np.linspace(-60, -20, 25), (20_000, 1)),
    np.tile(np.random.default_rng(0).normal(-40, 10, (200, 25)), (30, 1)),
    np.random.default_rng(0).normal(-40, 10, (250, 25))], ids=["held", "loop", "short"])
def test_exact_copies_are_found_of_held_levels_loops_and_short_sessions(frames):
    assert copies({"a": Session(frames), "b": Session(frames)}) == {"b": "the same as a"}
    assert copies({"a": Session(frames), "b": Session(frames, 50.0)}) == {}


def test_held_levels_are_compared_in_no_time():
    # Each of their frames was as loud as all around it, and all were looked up among all.
    held = np.tile(np.linspace(-60, -20, 25), (20_000, 1))
    assert len(soundness._landmarks(Session(held))[0]) == 1
    assert copies({"a": Session(held), "b": Session(held[100:])}) == {}


def test_sessions_without_frames_and_of_other_bands_can_be_checked_together(jam):
    found = check_sessions({"empty": Session(np.empty((0, 25))), "jam": Session(jam),
                            "ten": Session(jam[:, :10], n_bands=10)})
    assert [finding.fault for finding in found["empty"]] == ["too short"]
    assert found["jam"] == found["ten"] == []


@pytest.mark.parametrize("n_frames", [2, 20, 45])
def test_the_highest_frame_of_a_short_session_is_not_clipped(jam, n_frames):
    assert "clipped" not in faults(jam[:n_frames])
