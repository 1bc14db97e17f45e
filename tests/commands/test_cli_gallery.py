"""`barkcluster rank` and `identify`."""

import numpy as np
import pytest

from barkcluster import Session, cli, write_session


def play(seed, seconds):
    rng = np.random.default_rng(seed)
    sounds = rng.normal(-45, 8, size=(4, 25))
    order = np.random.default_rng([seed, int(seconds)]).integers(4, size=int(4 * seconds))
    frames = np.repeat(sounds[order], 25, axis=0)
    return Session(frames + np.random.default_rng(seed + 50).normal(0, 3, size=frames.shape))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bands" / "bert").mkdir(parents=True)
    write_session(play(1, 24), "bands/anna.txt")
    write_session(play(2, 13), "bands/bert/first.txt")
    write_session(play(2, 12), "bands/bert/second.csv")
    (tmp_path / "bands" / "notes.md").write_text("not a session")
    write_session(play(2, 8), "now.txt")
    write_session(play(9, 8), "stranger.txt")
    return tmp_path


def test_rank_puts_the_likeliest_first(folder, capsys):
    assert cli.main(["rank", "now.txt", "bands", "--save", "kept"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "bert", "anna"]
    assert cli.main(["rank", "now.txt", "kept", "-n", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == lines[:2]


def test_identify_says_none_of_them(folder, capsys):
    assert cli.main(["identify", "now.txt", "stranger.txt", "bands"]) == 0
    assert capsys.readouterr().out.splitlines() == ["now.txt: bert", "stranger.txt: none of them"]


def test_a_folder_without_sessions_is_an_error(folder, capsys):
    (folder / "empty").mkdir()
    assert cli.main(["rank", "now.txt", "empty"]) == cli.BAD_INPUT
    assert "must hold session or sound files" in capsys.readouterr().err
    assert cli.main(["rank", "now.txt", "nowhere"]) == cli.BAD_INPUT
    assert "is not a folder" in capsys.readouterr().err
