"""`barkcluster check`."""

import numpy as np
import pytest

from barkcluster import Session, cli, write_session
from barkcluster.frames import audio


def test_check_says_what_is_wrong_first_and_tells_scripts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    good = rng.normal(-40, 6, size=(3000, 25))
    (tmp_path / "all" / "below").mkdir(parents=True)
    write_session(Session(good), "all/a.txt")
    assert cli.main(["check", "all"]) == 0
    assert "sound" in capsys.readouterr().out
    write_session(Session(good), "all/below/b.txt")
    write_session(Session(np.full((500, 25), -100.0)), "all/silent.txt")
    (tmp_path / "all" / "torn.txt").write_text("1 2 3\n4 5\n")
    assert cli.main(["check", "all", "--csv", "faults.csv"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "all/torn.txt", "all/silent.txt", "all/below/b.txt", "all/a.txt"]
    assert "copy: the same as all/a.txt" in lines[3]
    rows = (tmp_path / "faults.csv").read_text().splitlines()
    assert rows[0] == "session,fault,what" and len(rows) == 4
    assert rows[1].startswith('all/torn.txt,unreadable,"line 1: expected 25 numbers')


def test_clipped_samples_of_sound_are_found_and_loud_ones_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    rng = np.random.default_rng(0)
    loud = 0.2 * rng.normal(size=2 * 44100)
    loud /= np.abs(loud).max()
    soundfile.write("loud.wav", loud, 44100, "PCM_16")
    soundfile.write("clipped.wav", (8 * loud).clip(-1, 1), 44100, "PCM_16")
    assert cli.main(["check", "loud.wav", "--longest", "0.5"]) == 0
    capsys.readouterr()
    assert cli.main(["check", ".", "--longest", "0.5"]) == 1
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.split()[:2] == ["clipped.wav", "clipped:"]
    assert first.endswith("of the samples in flat tops")
    assert second.split() == ["loud.wav", "sound"]


def test_a_sound_file_is_decoded_once_and_broken_as_often_as_it_is(tmp_path, monkeypatch, capsys):
    """It was decoded once more for its samples, and what failed only then was called sound."""
    monkeypatch.chdir(tmp_path)
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    rng = np.random.default_rng(0)
    soundfile.write("a.wav", 0.1 * rng.normal(size=2 * 44100), 44100)
    decoded, opened = audio._decoded, []

    def torn_the_second_time(path):
        opened.append(path)
        if len(opened) > 1:
            raise ValueError("torn")
        return decoded(path)

    monkeypatch.setattr(audio, "_decoded", torn_the_second_time)
    assert cli.main(["check", "a.wav", "--longest", "0.5"]) == 0
    assert opened == ["a.wav"]
    assert cli.main(["check", "a.wav", "--longest", "0.5"]) == 1
    assert "unreadable: torn" in capsys.readouterr().out


@pytest.mark.parametrize("n_missing", [1, 10, 100])
def test_frames_that_reading_fills_in_are_missing_all_the_same(tmp_path, n_missing, monkeypatch,
                                                               capsys):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).normal(-40, 6, size=(3000, 25))
    lines = [f"{i / 100:.2f} " + " ".join(f"{level:.2f}" for level in row)
             for i, row in enumerate(frames.tolist())]
    del lines[1000:1000 + n_missing]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    assert cli.main(["check", "a.txt"]) == 1
    said = capsys.readouterr()
    assert f"missing frames: {n_missing} frames are missing beside" in said.out
    assert said.err == ""


def test_what_is_learned_from_says_its_gravest_fault_by_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).normal(-40, 6, size=(3000, 25))
    frames[:, 4] = -50.0
    write_session(Session(frames), "dead.txt")
    assert cli.main(["fit", "dead.txt", "-o", "model.npz", "--scales", "0.5"]) == 0
    assert "warning: dead.txt: dead bands: bands 4 never move" in capsys.readouterr().err


def test_what_is_learned_from_clipped_sound_says_so_by_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    loud = 4 * np.random.default_rng(0).normal(size=5 * 44100)
    soundfile.write("clipped.wav", loud.clip(-1, 1), 44100, "PCM_16")
    assert cli.main(["fit", "clipped.wav", "-o", "model.npz", "--scales", "0.5"]) == 0
    assert "warning: clipped.wav: clipped: " in capsys.readouterr().err
