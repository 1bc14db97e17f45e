"""Sessions that are, or are contained in, another."""

import numpy as np
import pytest

from barkcluster import Session, synthetic
from barkcluster.frames.bark import bark_frames
from barkcluster.gallery import copies as copied
from barkcluster.gallery.copies import copies


@pytest.fixture(scope="module")
def jam():
    return np.asarray(synthetic.make_session(0.6, random_state=1, surprises=False)[0])


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


def test_copies_are_found_of_which_a_codec_or_another_rate_left_less(jam):
    """Bands that ended early made another shape of each frame."""
    ended = jam.copy()
    ended[:, 20:] = -100.0
    others = np.asarray(synthetic.make_session(0.6, random_state=2, surprises=False)[0])
    coded = jam + np.random.default_rng(0).normal(0.0, 0.3, jam.shape)
    coded[:, 23:] = -100.0
    assert copies({"whole": Session(jam), "other": Session(others), "ended": Session(ended),
                   "coded": Session(coded)}) == {
        "ended": "the same as whole", "coded": "the same as whole"}


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
    assert len(copied._landmarks(Session(held))[0]) == 1
    assert copies({"a": Session(held), "b": Session(held[100:])}) == {}
