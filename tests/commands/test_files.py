"""Folders and many files: what is a session, what is skipped, and what is told meanwhile."""

import os
import sys
import threading

import numpy as np
import pytest

from barkcluster import Session, read_session, synthetic, write_session
from barkcluster.cli import main
from barkcluster.commands._files import sessions_in
from barkcluster.display import progress as progress_module
from barkcluster.display.progress import progress

pytestmark = [pytest.mark.usefixtures("hasty_fits"),
              pytest.mark.filterwarnings("ignore:.* too short for scales")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sessions, and what is found beside sessions."""
    folder = tmp_path_factory.mktemp("evenings")
    for i, name in enumerate(("monday", "tuesday")):
        jam, _ = synthetic.make_session(0.25, random_state=i, surprises=False)
        write_session(Session(jam.frames, name=name), folder / f"{name}.txt")
    (folder / ".hidden.txt").write_text("-40 " * 25 + "\n")
    (folder / "._monday.txt").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (folder / ".git").mkdir()
    (folder / ".git" / "a.txt").write_text("x")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._tuesday.txt").write_bytes(b"\0\5\x16\7")
    (folder / "empty").mkdir()
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"PNG")
    (folder / "monday.csv").write_text("time_s,familiarity,scale_0.5s\n0.5,0.7,0.7\n")
    return folder


@pytest.fixture
def damaged(folder, tmp_path):
    """The same with a file that is no session among them."""
    for path in folder.glob("*day.txt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.txt").write_text("-40 " * 24 + "\n")
    return tmp_path


@pytest.mark.slow
def test_only_sessions_of_people_are_found(folder):
    for below in (False, True):
        assert [path.name for path in sessions_in(folder, below=below)] == [
            "monday.txt", "tuesday.txt"]


@pytest.mark.slow
def test_rank_and_identify_leave_out_what_is_no_session(folder, capsys):
    query = str(folder / "monday.txt")
    assert main(["rank", query, str(folder)]) == 0
    told = capsys.readouterr()
    assert "monday" in told.out and "pictures" not in told.out and "skipped" not in told.err
    assert main(["identify", query, str(folder)]) == 0
    assert capsys.readouterr().out.endswith(": monday\n")


@pytest.mark.slow
@pytest.mark.parametrize("command", [
    ["rank", "monday.txt", "."], ["identify", "monday.txt", "."],
    ["background", ".", "-o", "b.npz"],
    ["report", "monday.txt", "broken.txt", "-o", "r.html"],
    ["tempo", "monday.txt", "broken.txt"]])
def test_one_bad_file_among_many_is_named_and_counted(damaged, capsys, monkeypatch, command):
    monkeypatch.chdir(damaged)
    assert main(command) == 0
    told = capsys.readouterr()
    assert "barkcluster: skipped broken.txt:1: expected 25 numbers, got 24." in told.err
    assert "barkcluster: 1 of " in told.err and "files skipped; --strict stops" in told.err
    assert main([*command, "--strict"]) == 2
    assert "broken.txt:1: expected 25 numbers, got 24." in capsys.readouterr().err


def test_tempo_keeps_the_answer_of_one_file_where_another_is_too_short(damaged, capsys,
                                                                       monkeypatch):
    monkeypatch.chdir(damaged)
    write_session(Session(np.full((100, 25), -40.0)), "short.txt")
    assert main(["tempo", "monday.txt", "short.txt"]) == 0
    told = capsys.readouterr()
    assert "monday.txt" in told.out and "short.txt" not in told.out
    assert "skipped short.txt: frames must cover 3 beats" in told.err
    assert main(["tempo", "short.txt"]) == 2


def test_where_no_file_can_be_read_the_command_fails(tmp_path, capsys):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("-40\n")
    for command in (["tempo"], ["report", "-o", str(tmp_path / "r.html")]):
        assert main([*command, str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]) == 2
    assert main(["rank", str(tmp_path / "a.txt"), str(tmp_path)]) == 2
    assert not (tmp_path / "r.html").exists()
    capsys.readouterr()


def test_a_folder_without_sessions_says_so(tmp_path, folder, capsys):
    (tmp_path / ".a.txt").write_text("-40\n")
    assert main(["rank", str(folder / "monday.txt"), str(tmp_path)]) == 2
    assert "must hold session or sound files" in capsys.readouterr().err


@pytest.mark.slow
def test_a_session_at_another_rate_is_left_out_of_a_folder(damaged, capsys, monkeypatch):
    monkeypatch.chdir(damaged)
    (damaged / "broken.txt").unlink()
    jam = read_session("monday.txt")
    write_session(Session(jam.frames, 50.0), "slow.txt")
    assert main(["rank", "monday.txt", "."]) == 0
    told = capsys.readouterr()
    assert "skipped slow: has 50 frames a second of 25 bands, the others 100 of 25." in told.err
    assert "slow" not in told.out


def test_reading_options_reach_the_reader(tmp_path, rng, capsys):
    time = np.arange(1500) / 100
    frames = -60 + 25 * np.exp(-((time * 100 / 60) % 1) * 6)[:, None] + np.zeros(24)
    np.savetxt(tmp_path / "a.txt", np.column_stack([np.arange(1500) % 7, frames]), fmt="%.2f")
    path = str(tmp_path / "a.txt")
    assert main(["tempo", path, "--bands", "24", "--columns", "skip,levels"]) == 0
    assert "100" in capsys.readouterr().out
    assert main(["tempo", path, "--bands", "24", "--header", "yes", "--columns", "skip"]) == 0
    assert main(["tempo", path, "--bands", "0"]) == 2
    capsys.readouterr()


@pytest.mark.slow
def test_names_that_are_no_text_are_shown_and_written(tmp_path, capsys, folder):
    if sys.platform != "linux":
        pytest.skip("file names are text here")
    path = os.fsencode(tmp_path) + b"/jam\xe4.txt"
    lines = (folder / "monday.txt").read_bytes().splitlines(keepends=True)
    with open(path, "wb") as file:
        file.writelines(line for line in lines if not line.startswith(b"# name"))
    name = os.fsdecode(path)
    assert read_session(name).name == "jam\ufffd"
    for command in (["tempo", name], ["report", name, "-o", str(tmp_path / "r.html")]):
        assert main(command) == 0
        capsys.readouterr()[0].encode("utf-8")
    assert "jam\ufffd" in (tmp_path / "r.html").read_text(encoding="utf-8")


# Progress where stderr is no terminal

def test_long_work_tells_of_itself_in_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "FIRST_S", 0.0)
    monkeypatch.setattr(progress_module, "EVERY_S", 0.0)
    told = threading.Event()
    monkeypatch.setattr(progress_module, "print", lambda *a, **k: (print(*a, **k), told.set()),
                        raising=False)
    with progress(3) as step:
        step("looking for motifs in a\x1b.txt")
        told.clear()
        assert told.wait(60)
    assert "so far: looking for motifs in a\\x1b.txt (1 of 3)\n" in capsys.readouterr().err


def test_short_work_tells_nothing(capsys):
    with progress(2) as step:
        step("reading")
    assert capsys.readouterr().err == ""


def test_links_to_a_folder_above_do_not_list_sessions_again(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "jam.txt").touch()
    for link, to in (("a/up", ".."), ("a/b/top", "../.."), ("same", "a")):
        (tmp_path / link).symlink_to(to, target_is_directory=True)
    found = sessions_in(tmp_path, below=True)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a/b/jam.txt"]
