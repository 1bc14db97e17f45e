"""motifs.py: what recurs is found where it is, and nothing where nothing does."""

import naive
import numpy as np
import pytest

from barkcluster import Session, synthetic
from barkcluster.motifs import find_motifs, grouping, unique_to
from barkcluster.motifs import similarity as similarity_of
from barkcluster.motifs.similarity import (
    ROWS_IN_SHORTEST,
    DetrendedFrames,
    detrended,
    similarities,
)


def notes(rng, seconds, *, per_second=8):
    """Random notes, 120 ms each."""
    n = round(seconds * 100)
    levels = rng.normal(-40, 10, size=(round(seconds * per_second) + 1, 25))
    return levels[(np.arange(n) * per_second // 100)]


def with_riff(rng, riff, gaps):
    """The riff before, between and after so many seconds of something else; and its starts."""
    parts, starts, at = [], [], 0.0
    for gap in gaps:
        parts += [riff, notes(rng, gap)]
        starts.append(at)
        at += len(riff) / 100 + gap
    return np.concatenate(parts), starts


@pytest.mark.parametrize("seconds", [1.5, 3.0, 6.0])
def test_finds_a_riff_and_nothing_else(rng, seconds):
    frames, starts = with_riff(rng, notes(rng, seconds), [7.3, 9.1, 6.4, 8.0])
    found = find_motifs(frames)
    assert len(found) >= 1
    for motif in found:     # lengths double, so several may be needed to cover a riff
        assert len(motif) >= 2
        lags = {round(b - a, 1) for a in starts for b in starts if b > a}
        for i, one in enumerate(motif.starts):
            for other in motif.starts[i + 1:]:
                assert min(abs((other - one) - lag) for lag in lags) < 0.3
    assert max(len(motif) for motif in found) == 4


def test_says_what_the_motif_sounds_like(rng):
    frames, _ = with_riff(rng, notes(rng, 4.0), [7.3, 9.1, 6.4])
    motif = find_motifs(frames)[0]
    parts = [frames[round(100 * s):round(100 * (s + motif.length))] for s in motif.starts]
    np.testing.assert_allclose(motif.levels, np.mean(parts, axis=(0, 1)), atol=1e-9)
    assert motif.loudness > motif.levels.max()
    assert motif.representative in motif.starts
    assert motif.similarities[motif.starts.index(motif.representative)] == 1.0
    assert 0.55 <= motif.similarity <= 1.0
    assert repr(motif).startswith("<Motif of 4 s, 3 times")


def test_finds_a_riff_softer_and_under_other_instruments(rng):
    riff = notes(rng, 4.0)
    covered = riff.copy()
    covered[:, 20:] = notes(rng, 4.0)[:, 20:] + 10      # five bands are someone else's
    frames = np.concatenate([riff, notes(rng, 6.0), riff - 8.0, notes(rng, 7.0), covered,
                             notes(rng, 5.0)])
    best = find_motifs(frames)[0]
    assert len(best) == 3


@pytest.mark.parametrize("speed", [0.92, 1.08])
def test_finds_a_riff_at_another_tempo(rng, speed):
    riff = notes(rng, 4.0, per_second=6)
    places = np.arange(0, len(riff) - 1, speed).astype(int)
    frames = np.concatenate([riff, notes(rng, 9.0), riff[places], notes(rng, 9.0)])
    assert any(any(abs(b - a - 13.0) < 0.4 for a in motif.starts for b in motif.starts)
               for motif in find_motifs(frames))


def test_silence_held_notes_and_noise_have_no_motifs(rng):
    held = np.repeat(rng.normal(-40, 12, size=(6, 25)), 500, axis=0)
    for frames in (np.full((3000, 25), -100.0), np.full((3000, 25), -np.inf), held,
                   held + rng.normal(0, 0.5, size=held.shape),
                   rng.normal(-40, 5, size=(3000, 25)),
                   np.cumsum(rng.normal(0, 0.5, size=(3000, 25)), axis=0) - 40):
        assert find_motifs(frames) == []


def test_notes_at_random_have_no_motifs(rng):
    assert len(find_motifs(notes(rng, 60.0))) <= 1


def test_phrases_that_end_in_silence_are_not_alike_for_that(rng):
    frames = np.concatenate([part for _ in range(6)
                             for part in (notes(rng, 6.0), np.full((400, 25), -100.0))])
    assert find_motifs(frames) == []


def test_occurrences_do_not_overlap_and_are_in_order():
    session, _ = synthetic.make_session(1, random_state=3, surprises=False)
    found = find_motifs(session)
    assert found
    for motif in found:
        starts = np.array(motif.starts)
        assert np.all(np.diff(starts) >= motif.length)
        assert starts[-1] + motif.length <= session.duration + 1e-9
        assert len(motif.starts) == len(motif.similarities) == len(motif)


@pytest.mark.slow
def test_links_the_riffs_of_a_jam():
    session, known = synthetic.make_session(1.5, random_state=7, surprises=False)
    found = find_motifs(session)
    names = [riff.name for riff in known.riffs]
    linked = set()
    for i, one in enumerate(known.riffs):
        for j, other in enumerate(known.riffs):
            lag = other.start - one.start
            if i != j and one.name == other.name and any(
                    abs(b - a - lag) < 0.3 and one.start - 0.5 < a < one.stop
                    for motif in found for a in motif.starts for b in motif.starts):
                linked |= {i, j}
    again = [i for i, name in enumerate(names) if names.count(name) > 1]
    assert len(linked) >= 0.8 * len(again) > 0


@pytest.mark.slow
def test_max_motifs_and_lengths():
    session, _ = synthetic.make_session(1, random_state=3, surprises=False)
    assert len(find_motifs(session, max_motifs=2)) == 2
    lengths = {motif.length for motif in find_motifs(session, shortest=2.0, longest=5.0)}
    assert lengths <= {2.0, 4.0}


@pytest.mark.slow
def test_half_the_frame_rate_finds_the_same():
    session, _ = synthetic.make_session(0.7, random_state=3, surprises=False)
    frames = session.frames[:len(session) // 2 * 2].astype(np.float64)
    halved = Session(frames.reshape(-1, 2, 25).mean(axis=1), frame_rate=50.0)
    ours = [(motif.length, len(motif)) for motif in find_motifs(Session(frames))]
    theirs = [(motif.length, len(motif)) for motif in find_motifs(halved)]
    assert ours[:2] == theirs[:2]


def test_unique_to_finds_what_the_others_lack(rng):
    mine, shared = notes(rng, 4.0), notes(rng, 4.0)
    between = [notes(rng, 5.0) for _ in range(4)]
    other = np.concatenate([shared, *between, shared])
    session = np.concatenate([shared, between[0], mine, between[1], shared, between[2], mine])
    answer = unique_to(session, [other])
    assert len(answer.motifs) == 1
    np.testing.assert_allclose(answer.motifs[0].starts, (9.0, 27.0), atol=0.3)
    inside = sum(min(part.stop, stop) - max(part.start, start)
                 for part in answer.stretches for start, stop in ((9, 13), (27, 31))
                 if part.start < stop and start < part.stop)
    assert inside > 6.0
    # Windows reach over the edges of what is new.
    assert sum(part.stop - part.start for part in answer.stretches) < 16.0


def test_nothing_is_unique_beside_the_session_itself():
    session, _ = synthetic.make_session(0.6, random_state=3, surprises=False)
    answer = unique_to(session, [session])
    assert (answer.motifs, answer.stretches) == ((), ())


@pytest.mark.slow
def test_everything_is_unique_beside_nothing():
    session, _ = synthetic.make_session(0.6, random_state=3, surprises=False)
    answer = unique_to(session, [])
    assert len(answer.motifs) == len(find_motifs(session))
    assert sum(part.stop - part.start for part in answer.stretches) > 0.8 * session.duration


def test_similarities_agree_with_naive(rng):
    mine, other = rng.normal(0, 4, size=(40, 3)), rng.normal(0, 4, size=(37, 3))
    one, two = (DetrendedFrames(rows.astype(np.float32), np.arange(len(rows) + 1), 0.125)
                for rows in (mine, other))
    for span, similarity in similarities(one, two, 3, 9, [8, 16]):
        expected = naive.similarities(mine.tolist(), other.tolist(), 3, 9, span)
        np.testing.assert_allclose(similarity, expected, atol=1e-5)
    assert span == 16


@pytest.mark.parametrize("n_columns", [1, 2, 5, 12, 13, 14, 40])
@pytest.mark.parametrize("reach", [1, 2, 3, 6])
def test_running_maximum_is_that_of_each_neighborhood(rng, n_columns, reach):
    matrix = rng.normal(size=(3, n_columns)).astype(np.float32)
    wanted = [[row[max(0, j - reach):j + reach + 1].max() for j in range(n_columns)]
              for row in matrix]
    np.testing.assert_array_equal(similarity_of._running_maximum(matrix, reach), wanted)


@pytest.mark.parametrize("span", [8, 16, 32])
def test_the_highest_are_those_of_their_neighborhood(rng, span):
    places = np.flatnonzero(rng.random(400) < 0.3)
    values = np.round(rng.random(len(places)), 1).astype(np.float32)  # with equal ones
    wanted = [value == max(v for p, v in zip(places, values, strict=True)
                           if place - span // 2 <= p <= place + (span - 1) // 2)
              for place, value in zip(places, values, strict=True)]
    np.testing.assert_array_equal(grouping._are_highest(places, values, span), wanted)


def test_a_long_session_is_searched_from_all_over_it():
    assert list(grouping._searched(400)) == [(0, 400)]
    n = 40_000
    pieces = list(grouping._searched(n))
    searched = np.concatenate([np.arange(first, last) for first, last in pieces])
    assert len(set(searched.tolist())) == len(searched)
    assert 0.9 * 6144 < len(searched) <= 6144 + 256
    assert searched.min() >= 0 and searched.max() < n
    # Nowhere is a tenth of it without a piece, and no beat divides their distances.
    assert np.diff(searched).max() < n / 10
    assert len({np.diff(searched).max(), *np.diff([first for first, _ in pieces])}) > 2


def test_what_recurs_in_a_long_session_is_found_from_some_of_it(rng, monkeypatch):
    frames, starts = with_riff(rng, notes(rng, 3.0), [7.3, 9.1, 6.4, 8.0, 7.0, 9.9, 5.2, 8.1])
    everything = find_motifs(frames)[0]
    assert len(everything) == len(starts)
    monkeypatch.setattr(grouping, "_MOST_SEARCHED", len(frames) // 25)
    monkeypatch.setattr(grouping, "_PIECE", 48)
    found = find_motifs(frames)[0]
    assert found.length == everything.length
    assert len(found) == len(starts)


def test_detrended_frames_leave_level_out(rng):
    levels = notes(rng, 10.0)
    one, other = detrended(levels, 100.0, 0.125), detrended(levels + 6.0, 100.0, 0.125)
    np.testing.assert_allclose(one.rows, other.rows, atol=1e-4)
    assert len(one) == 80 == len(one.events) - 1
    assert ROWS_IN_SHORTEST * one.row_s == 1.0


@pytest.mark.parametrize(("arguments", "message"), [
    ({"shortest": 0}, "shortest must be a positive number"),
    ({"shortest": 0.05}, "shortest must be at least 8 frames"),
    ({"longest": 0.5}, "longest must be at least shortest=1; got 0.5"),
    ({"max_motifs": 0}, "max_motifs must be a positive integer"),
])
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        find_motifs(np.zeros((1000, 25)), **arguments)


def test_too_few_frames_names_both_lengths():
    with pytest.raises(ValueError, match="three times the shortest motif, 3 s; got 2 s"):
        find_motifs(np.zeros((200, 25)))


def test_errors_name_the_other_session():
    frames = np.zeros((1000, 25))
    with pytest.raises(ValueError, match=r"others\[1\] must have shape"):
        unique_to(frames, [frames, np.zeros((25, 900))])
    with pytest.raises(ValueError, match=r"others\[1\] \(tuning\) must hold a take of .* 0.25 s"):
        unique_to(frames, [frames, Session(frames[:5], name="tuning")])
    with pytest.raises(ValueError, match="a session of 10 s, 1, 2, 4 s; got 3 s"):
        unique_to(frames, [frames], window=3.0)
