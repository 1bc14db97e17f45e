"""Synthetic jams: the same from the same seed, as annotated, and like music in what matters."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pytest

from barkcluster import synthetic
from barkcluster.frames import FLOOR_DB, Session, bark_frames
from barkcluster.synthetic import Annotations, Surprise, make_session, make_sound


@pytest.fixture(scope="module")
def two_plain_minutes() -> tuple[Session, Annotations]:
    return make_session(2, random_state=0, surprises=False)


def annotations_with(*surprises: Surprise) -> Annotations:
    return Annotations(tempo=100.0, key="A minor", instruments={}, beats=np.zeros(0),
                       sections=(), riffs=(), surprises=surprises, clean_stop=0.0)


def autocorrelation_tempo(frames: npt.NDArray[np.float32]) -> float:
    """The lag between 60 and 180 bpm at which the onsets repeat best."""
    onsets = np.clip(frames[2:] - frames[:-2], 0, 20).mean(axis=1)
    onsets -= onsets.mean()
    lags = range(33, 101)
    likeness = [onsets[lag:] @ onsets[:-lag] for lag in lags]
    return 6000 / lags[int(np.argmax(likeness))]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits():
    (first, known), (second, known_again) = (make_session(0.2, random_state=4) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(known.beats, known_again.beats)
    assert known.riffs == known_again.riffs
    assert known.surprises == known_again.surprises


@pytest.mark.slow
def test_a_generator_seeds_as_its_number_does():
    by_number, _ = make_session(0.1, random_state=4)
    by_generator, _ = make_session(0.1, random_state=np.random.default_rng(4))
    np.testing.assert_array_equal(by_number.frames, by_generator.frames)


@pytest.mark.slow
def test_other_seeds_give_other_songs():
    songs = [make_session(0.05, random_state=seed, drums=False) for seed in range(8)]
    assert len({known.tempo for _, known in songs}) == 8
    assert len({known.key for _, known in songs}) >= 5
    assert len({tuple(known.instruments.values()) for _, known in songs}) >= 6
    assert all(70 <= known.tempo <= 160 for _, known in songs)


@pytest.mark.slow
def test_session_is_the_sound_analyzed():
    sound, sample_rate, known = make_sound(0.15, random_state=1)
    session, known_of_session = make_session(0.15, random_state=1)
    np.testing.assert_allclose(bark_frames(sound, sample_rate), session.frames, atol=0.01)
    assert known.surprises == known_of_session.surprises


@pytest.mark.parametrize("minutes", [0.05, 0.0501, 0.1, 1 / 7])
def test_length_is_as_asked_and_annotations_lie_within(minutes):
    session, known = make_session(minutes, random_state=2)
    assert len(session) == round(6000 * minutes)
    assert session.frames.dtype == np.float32
    stretches = [*known.sections, *known.riffs, *known.surprises]
    assert all(0 <= stretch.start < stretch.stop <= session.duration for stretch in stretches)
    assert np.all((known.beats >= 0) & (known.beats < session.duration))


def test_sections_follow_one_another_to_the_end():
    session, known = make_session(0.6, random_state=6)
    stops = [section.stop for section in known.sections]
    assert [section.start for section in known.sections[1:]] == stops[:-1]
    assert stops[-1] == session.duration
    assert len({section.name for section in known.sections}) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_after_the_clean_part_nothing_is_new_but_the_surprises(seed):
    _, known = make_session(0.8, random_state=seed)
    heard = {(section.name, section.players) for section in known.sections
             if section.start < known.clean_stop}
    assert {(section.name, section.players) for section in known.sections} == heard


@pytest.mark.slow
def test_surprises_come_after_two_fifths_and_apart():
    session, known = make_session(2, random_state=0)
    assert len(known.surprises) == 3
    assert known.clean_stop == pytest.approx(0.4 * session.duration)
    starts = [surprise.start for surprise in known.surprises]
    stops = [surprise.stop for surprise in known.surprises]
    assert starts[0] > known.clean_stop
    assert all(2 <= stop - start <= 8 for start, stop in zip(starts, stops, strict=True))
    assert all(start > stop for start, stop in zip(starts[1:], stops, strict=False))
    assert len({surprise.kind for surprise in known.surprises}) == 3


def test_three_seconds_hold_no_surprise_and_six_hold_one():
    assert make_session(0.05)[1].surprises == ()
    assert len(make_session(0.1)[1].surprises) == 1


@pytest.mark.slow
def test_the_band_plays_the_same_with_and_without_surprises():
    with_surprise, known = make_session(0.3, random_state=5)
    without, plain = make_session(0.3, random_state=5, surprises=False)
    before = slice(0, int(100 * known.surprises[0].start) - 5)
    # Reverberation by FFT rounds a block's early samples by its late ones.
    np.testing.assert_allclose(with_surprise.frames[before], without.frames[before], atol=0.01)
    inside = known.surprise_mask(np.arange(len(without)) / 100)
    changed = np.abs(with_surprise.frames - without.frames).mean(axis=1)
    assert changed[inside].mean() > 5
    assert set(known.riffs) <= set(plain.riffs)


@pytest.mark.slow
def test_every_kind_of_surprise_changes_what_is_heard():
    # The shortest session with a full round of the six kinds.
    session, known = make_session(3.5, random_state=1, tempo=120)
    plain, _ = make_session(3.5, random_state=1, tempo=120, surprises=False)
    assert {surprise.kind for surprise in known.surprises} == {
        "instrument", "tempo", "noise", "crowd", "melody", "order"}
    for surprise in known.surprises:
        heard, expected = (of.between(surprise.start, surprise.stop).frames
                           for of in (session, plain))
        assert np.abs(heard - expected).mean() > 3, surprise.kind


@pytest.mark.slow
def test_riffs_recur_more_alike_than_others(two_plain_minutes):
    session, known = two_plain_minutes
    length = int(100 * 0.95 * 8 * 60 / known.tempo)
    played = [(riff.name, session.between(riff.start, riff.stop).frames[:length])
              for riff in known.riffs]
    distances = defaultdict(list)
    for i, (name, frames) in enumerate(played):
        for other_name, other in played[:i]:
            distances[name == other_name].append(np.abs(frames - other).mean())
    assert len(distances[True]) >= 5
    assert np.median(distances[True]) < 0.8 * np.median(distances[False])


def test_a_riff_is_varied_but_not_at_first(two_plain_minutes):
    _, known = two_plain_minutes
    by_name = defaultdict(list)
    for riff in known.riffs:
        by_name[riff.name].append(riff.variation)
    assert all(variations[:2] == [0, 0][:len(variations)] for variations in by_name.values())
    assert any(variation for variations in by_name.values() for variation in variations)


@pytest.mark.slow
def test_plain_autocorrelation_finds_the_tempo_of_most_songs():
    # It takes a dotted rhythm for the beat now and then, as it does of real music.
    found = 0
    for seed in range(8):
        session, known = make_session(0.4, random_state=seed, surprises=False)
        octaves = autocorrelation_tempo(session.frames) / known.tempo / np.array([0.5, 1.0, 2.0])
        found += bool(np.abs(octaves - 1).min() < 0.04)
    assert found >= 7


def test_beats_are_the_tempo_and_drift_slowly():
    _, known = make_session(1, random_state=0, tempo=120)
    lengths = np.diff(known.beats)
    assert known.tempo == 120
    assert np.all(np.abs(lengths / 0.5 - 1) < 0.016)
    assert np.ptp(lengths) > 0.002
    assert np.abs(np.diff(lengths)).max() < 0.001


@pytest.mark.slow
def test_sound_has_the_levels_of_a_recording():
    for seed in range(3):
        sound, sample_rate, _ = make_sound(0.3, random_state=seed)
        assert sound.dtype == np.float32
        assert 0.05 < np.abs(sound).max() < 0.95
        assert abs(float(sound.mean())) < 0.01
        frames = bark_frames(sound, sample_rate)
        assert -75 < np.median(frames) < -25
        assert np.all(frames > FLOOR_DB)
        assert np.all(frames.std(axis=0) > 3)


def test_blocks_join_without_clicks():
    # Rendered in blocks of 2 s: at their joins the sound is no rougher than anywhere.
    sound, sample_rate, _ = make_sound(0.5, random_state=0, surprises=False)
    roughness = np.abs(np.diff(sound, 3))
    joins = np.arange(2 * sample_rate, len(sound) - 100, 2 * sample_rate)
    at_joins = [roughness[join - 3:join + 1].max() for join in joins]
    assert np.median(at_joins) < np.quantile(roughness, 0.95)
    assert max(at_joins) < roughness.max()


def test_without_a_drummer_nobody_drums():
    session, known = make_session(0.3, random_state=0, drums=False, surprises=False)
    assert all("drums" not in section.players for section in known.sections)
    with_drums, _ = make_session(0.3, random_state=0, surprises=False)
    assert session.frames[:, 20:].mean() < with_drums.frames[:, 20:].mean() - 3


def test_swing_moves_notes_and_not_the_beats():
    (straight, known), (swung, known_swung) = (
        make_session(0.2, random_state=3, swing=swing) for swing in (0.5, 0.66))
    np.testing.assert_array_equal(known.beats, known_swung.beats)
    assert np.abs(straight.frames - swung.frames).mean() > 0.5


def test_surprise_mask_of_moments_and_windows():
    known = annotations_with(Surprise("noise", 6.0, 8.0), Surprise("crowd", 20.0, 21.0))
    times = np.array([5.9, 6.0, 7.9, 8.0, 9.9, 10.0, 20.5])
    np.testing.assert_array_equal(known.surprise_mask(times), [0, 1, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(known.surprise_mask(times, 2.0), [0, 1, 1, 1, 1, 0, 1])
    np.testing.assert_array_equal(known.surprise_mask([6.5, 7.0, 9.0, 9.5], 2.0, least_share=0.5),
                                  [0, 1, 1, 0])


def test_share_adds_up_over_surprises():
    known = annotations_with(Surprise("noise", 1.0, 2.0), Surprise("crowd", 3.0, 4.0))
    assert known.surprise_mask([4.0], 4.0, least_share=0.5).all()
    assert not known.surprise_mask([4.0], 4.0, least_share=0.6).any()


@pytest.mark.parametrize("arguments, message", [
    ({"minutes": 0.01}, r"minutes must be at least 0.05 \(3 s\); got 0.01"),
    ({"minutes": -1}, "minutes must be a positive number; got -1"),
    ({"minutes": float("nan")}, "minutes must be a positive number; got nan"),
    ({"minutes": "5"}, "minutes must be a positive number; got '5'"),
    ({"tempo": 10}, "tempo must be from 40 to 240 beats per minute; got 10"),
    ({"swing": 0.9}, "swing must be from 0.5 to 0.75 of a beat; got 0.9"),
    ({"random_state": -1}, "random_state must be None, an int of 0 or more.*got -1"),
    ({"random_state": "x"}, "random_state must be None, an int of 0 or more.*got 'x'"),
])
@pytest.mark.parametrize("make", [synthetic.make_session, synthetic.make_sound])
def test_errors_name_the_argument(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.parametrize("arguments, message", [
    ({"window_s": -1.0}, "window_s must be 0 or more"),
    ({"window_s": 1.0, "least_share": 1.5}, "least_share must be between 0 and 1; got 1.5"),
])
def test_surprise_mask_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        annotations_with().surprise_mask([1.0], **arguments)
