"""What the command line writes takes the place of nothing that would be missed."""

import os
import subprocess
import sys

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, cli, write_session
from barkcluster.commands import _options
from barkcluster.frames import session
from barkcluster.retraining.journal import SessionJournal


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; return its code and what it said of errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = cli.main(arguments)
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def jam(rng, tmp_path):
    path = tmp_path / "jam.txt"
    write_session(Session(rng.normal(-40, 6, size=(400, 25))), path)
    return path


@pytest.mark.parametrize("arguments", [
    ("fit", "jam.txt", "-o", "jam.txt"),
    ("fit", "jam.txt", "-o", "link.txt"),
    ("background", "jam.txt", "-o", "jam.txt"),
    ("score", "jam.txt", "jam.txt", "--csv", "jam.txt"),
    ("score", "jam.txt", "jam.txt", "--plot", "./jam.txt"),
    ("check", "jam.txt", "--csv", "jam.txt"),
    ("report", "jam.txt", "-o", "jam.txt"),
    ("rank", "jam.txt", ".", "--csv", "jam.txt"),
    ("identify", "jam.txt", ".", "--csv", "jam.txt"),
])
def test_an_output_never_takes_the_place_of_what_is_read(run, jam, arguments):
    before = jam.read_bytes()
    jam.with_name("link.txt").hardlink_to(jam)
    code, said = run(*arguments)
    assert code == 2
    assert "is what is read, and would be lost: choose another name" in said
    assert jam.read_bytes() == before


@pytest.mark.parametrize("name", ["take.wav", "gathered.txt"])
def test_an_output_never_takes_the_place_of_sound_or_of_what_was_gathered_live(run, jam, name):
    there = jam.with_name(name)
    if name == "gathered.txt":
        journal = SessionJournal(there, 100.0, 25)
        journal.append(np.full(25, -40.0, np.float32))
        journal.close()
    else:
        there.write_bytes(b"RIFF")
    before = there.read_bytes()
    code, said = run("score", "jam.txt", "jam.txt", "--csv", name)
    assert (code, there.read_bytes()) == (2, before)
    assert f"{name} is " in said and "would be lost" in said


def test_a_model_takes_the_place_of_models_alone(run, jam):
    notes = jam.with_name("notes.txt")
    notes.write_text("verse, chorus\n")
    code, said = run("fit", "jam.txt", "-o", "notes.txt")
    assert (code, notes.read_text()) == (2, "verse, chorus\n")
    assert "notes.txt is there already, and is no model file" in said
    fit = ("fit", "jam.txt", "-o", "jam.npz", "--scorer", "kmeans", "--scales", "0.5")
    assert [run(*fit)[0] for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(("option", "said"), [
    ("", "expected the name of a file to write, got an empty one."),
    ("folder", "folder is a folder: name a file to write."),
    ("nowhere/x.npz", "nowhere/x.npz: there is no folder nowhere."),
])
def test_an_output_that_cannot_be_written_is_said_before_the_work(run, jam, option, said):
    jam.with_name("folder").mkdir()
    # The session is not even read: there is none.
    assert run("fit", "nothing.txt", "-o", option) == (2, f"barkcluster: {said}\n")


def test_a_picture_of_no_known_kind_is_said_before_the_work(run):
    pytest.importorskip("matplotlib")
    code, said = run("score", "nothing.txt", "nothing.txt", "--plot", "now.jgp")
    assert (code, said) == (
        2, "barkcluster: now.jgp must be a picture, such as png, svg or pdf; got .jgp.\n")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0,
                    reason="permissions bind neither root nor Windows")
def test_a_folder_that_is_read_only_is_said_before_the_work(run, jam):
    jam.parent.chmod(0o500)
    try:
        assert run("fit", "nothing.txt", "-o", "x.npz") == (
            2, "barkcluster: x.npz: Permission denied\n")
    finally:
        jam.parent.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_session_to_learn_may_come_through_a_pipe(run):
    # As much as a pipe holds.
    lines = "".join(f"{-40 - i % 7} " * 25 + "\n" for i in range(150)).encode()
    ends = [os.pipe() for _ in range(2)]
    for reading, writing in ends:
        os.set_inheritable(reading, True)
        with os.fdopen(writing, "wb") as file:
            file.write(lines)
    paths = [f"/dev/fd/{reading}" for reading, _ in ends]
    code, said = run("score", *paths, "--scales", "0.2", "--scorer", "kmeans")
    for reading, _ in ends:
        os.close(reading)
    assert code == 0, said


def sound(path, seconds=0.2):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(path, 0.1 * np.sin(np.arange(int(44100 * seconds)) / 9), 44100)


def test_extract_never_takes_the_place_of_a_text_that_it_did_not_write(run, tmp_path):
    sound(tmp_path / "jam.wav")
    of_max = tmp_path / "jam.txt"
    of_max.write_text("0, -40 -50;\n")
    code, said = run("extract", "jam.wav")
    assert (code, of_max.read_text()) == (2, "0, -40 -50;\n")
    assert "jam.txt is there already, and is no text that extract wrote" in said
    of_max.unlink()
    assert [run("extract", "jam.wav") for _ in range(2)] == [(0, "")] * 2


def test_extract_goes_on_without_a_file_that_is_no_sound(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sound(tmp_path / "one.wav")
    sound(tmp_path / "two.wav")
    (tmp_path / "odd.wav").write_bytes(b"no sound")
    assert cli.main(["extract", "one.wav", "odd.wav", "two.wav"]) == 0
    out, said = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == ["one.txt", "two.txt"]
    assert "skipped odd.wav: expected a sound file" in said and "1 of 3 files skipped" in said
    assert cli.main(["extract", "one.wav", "odd.wav", "two.wav", "--strict"]) == 2
    assert capsys.readouterr().out.startswith("one.txt: ")


@pytest.mark.parametrize("name", ["jam.wav", "heard.txt", "rest.txt"])
def test_the_demo_never_takes_the_place_of_a_recording(run, tmp_path, name):
    mine = tmp_path / name
    mine.write_bytes(b"mine")
    code, said = run("demo", "--minutes", "0.3", "-o", ".")
    assert (code, mine.read_bytes()) == (2, b"mine")
    assert said == f"barkcluster: {name} is there already: name a new folder.\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="nobody closes streams like this there")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_traceback(jam, closed):
    done = subprocess.run(
        f'exec "{sys.executable}" -m barkcluster check "{jam}" --longest 1 {closed}',
        shell=True, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_too_little_memory_is_one_line(run, jam, monkeypatch):
    def fit(self, takes):
        raise MemoryError("Unable to allocate 310. GiB")

    monkeypatch.setattr(FamiliarityModel, "fit", fit)
    assert run("fit", "jam.txt", "-o", "jam.npz") == (
        2, "barkcluster: not enough memory. Unable to allocate 310. GiB\n")


def test_an_error_of_writing_names_the_file_that_was_asked_for(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError) as caught:
        write_session(Session(np.full((2, 25), -40.0)), tmp_path / "file" / "jam.txt")
    assert caught.value.filename == str(tmp_path / "file" / "jam.txt")


def test_a_session_that_is_too_short_to_score_is_named(run, jam):
    write_session(Session(np.full((3, 25), -40.0)), jam.with_name("now.txt"))
    code, said = run("score", "jam.txt", "now.txt", "--scales", "0.5", "--scorer", "kmeans")
    assert code == 2
    assert said.startswith("barkcluster: now.txt: frames must cover the shortest window")


def test_a_decimal_comma_is_called_one(capsys):
    with pytest.raises(SystemExit):
        cli.main(["fit", "jam.txt", "-o", "jam.npz", "--frame-rate", "86,13"])
    assert "must be a number, with a decimal point; got '86,13'." in capsys.readouterr().err


@pytest.mark.parametrize("command", [
    ("fit", "jam.txt", "-o", "jam.npz"), ("live", "--in", "file:jam.txt")])
def test_a_billion_bands_make_no_room(run, jam, command):
    # It took minutes, and the memory of the machine.
    assert run(*command, "--bands", "1000000000") == (
        2, "barkcluster: --bands must be at most 256; got 1000000000.\n")


def test_the_most_bands_of_a_command_are_those_of_frames():
    assert (_options.N_BANDS, _options.MOST_BANDS) == (session.N_BANDS, session.MOST_BANDS)


def test_takes_of_two_frame_rates_are_named(run, jam):
    write_session(Session(np.full((300, 25), -40.0), 50.0), jam.with_name("slow.txt"))
    code, said = run("fit", "jam.txt", "slow.txt", "-o", "jam.npz")
    assert code == 2
    assert said.endswith("takes must have one frame rate; got 100 frames a second in jam.txt and "
                         "50 in slow.txt.\n")


def test_what_score_learns_is_looked_at_as_what_fit_learns(run, jam):
    write_session(Session(np.full((400, 25), -100.0)), jam.with_name("silent.txt"))
    arguments = ("silent.txt", "--scales", "0.5", "--scorer", "kmeans")
    said = [run(*command)[1] for command in (("fit", *arguments, "-o", "s.npz"),
                                             ("score", *arguments, "jam.txt"))]
    assert all("warning: silent.txt: silent" in each for each in said)


@pytest.mark.usefixtures("hasty_fits")
def test_the_page_of_a_session_without_a_name_is_said_to_be_of_one(tmp_path, monkeypatch, capsys):
    """It said: page.html: . Open it in a browser."""
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).normal(-40, 6, size=(1200, 25))
    write_session(Session(frames), "jam.txt")
    assert cli.main(["report", "jam.txt", "-o", "page.html", "--scales", "0.5"]) == 0
    assert capsys.readouterr().out == "page.html: one session. Open it in a browser.\n"
