"""Options of barkcluster live that exclude each other, and that nothing is opened for."""

import pytest

from barkcluster import FamiliarityModel
from barkcluster.cli import main
from barkcluster.retraining.journal import SessionJournal
from tests.players import LOCAL, free_port, jam

PORT = 7400  # is never opened


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Run barkcluster live in an empty folder; return what it said of the mistake."""
    monkeypatch.chdir(tmp_path)

    def said(*arguments):
        assert main(["live", *map(str, arguments)]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        return error.removeprefix("barkcluster: ")

    return said


def osc(name="", port=PORT):
    return f"{name}osc://{LOCAL}:{port}/bark"


def test_no_learning_does_not_gather_without_a_word(said, tmp_path):
    assert "--no-learning gathers nothing" in said(
        "--in", osc(), "--model", "m.npz", "--no-learning", "--gather", "jam.txt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [("--scorer", "gmm"), ("--scales", "1,2")])
def test_what_a_model_decides_is_not_asked_for_in_vain(said, option):
    assert "has a scorer and scales of its own" in said("--in", osc(), "--model", "m.npz", *option)


@pytest.mark.parametrize(("option", "message"), [
    (("--frame-rate", "50"), "frames must come at 100 a second, as m.npz was learned; got 50."),
    (("--bands", "24"), "was learned from frames of 25 bands; got --bands 24."),
])
def test_frames_that_a_model_cannot_hear_are_refused(said, rng, option, message):
    FamiliarityModel("kmeans", scales=(0.2,)).fit(jam(rng, 300)).save("m.npz")
    assert message in said("--in", osc(port=free_port()), "--model", "m.npz", *option)


def test_two_players_of_one_name(said):
    assert said("--in", osc("alice="), "--in", osc("Alice=", PORT + 1)) == (
        "--in alice=... is given twice: each player needs a name of its own.")


def test_answers_are_not_sent_to_where_frames_are_heard(said):
    assert "it would hear its own answers" in said("--in", osc(), "--out", f"osc://{LOCAL}:{PORT}")


@pytest.mark.parametrize("out", ["latest", "file"])
def test_the_session_that_is_heard_is_not_written_over(said, tmp_path, out):
    (tmp_path / "jam.txt").write_text("-40 " * 25 + "\n")
    assert f"--out {out}:jam.txt is the file of --in file:jam.txt, too" in said(
        "--in", "file:jam.txt", "--out", f"{out}:jam.txt")
    assert (tmp_path / "jam.txt").read_text() == "-40 " * 25 + "\n"


def test_a_gathered_session_is_not_written_over(said, tmp_path):
    SessionJournal(tmp_path / "jam.txt", 100.0, 25).close()
    assert "was gathered live, and would be lost" in said("--in", osc(), "--out", "latest:jam.txt")


def test_two_outputs_to_one_file(said):
    assert said("--in", osc(), "--out", "file:a.txt", "--out", "latest:./a.txt") == (
        "--out latest:./a.txt is the file of --out file:a.txt, too: choose another name.")


@pytest.mark.parametrize(("arguments", "message"), [
    (["--in", "file:folder"], "--in file:folder is a folder: name a file in it."),
    (["--in", osc(), "--out", "latest:folder"], "folder is a folder: name a file to write."),
    (["--in", osc(), "--gather", "folder"], "--gather needs the name of a file; got 'folder'."),
    (["--in", osc(), "--gather", ""], "--gather needs the name of a file; got ''."),
    (["--in", osc(), "--gather", "jam.wav"],
     "--gather writes text, and jam.wav would be taken for sound: call it jam.txt."),
    (["--in", osc(), "--allow-save", "--folder", "nowhere"],
     "--folder nowhere: there is no such folder."),
    (["--in", osc() + "?x"], f"--in {osc()}?x: a path may hold no ? and no #."),
])
def test_what_cannot_work_is_said_before_a_port_is_open(said, tmp_path, arguments, message):
    (tmp_path / "folder").mkdir()
    assert said(*arguments) == message


def test_a_host_that_is_not_known_is_named(said):
    # Over FUDI it ended the performance, when the first reading was sent.
    for kind in ("osc", "fudi-tcp"):
        sink = f"{kind}://nobody.invalid:7401"
        assert said("--in", osc(port=free_port()), "--out", sink).startswith(f"{sink}: ")


@pytest.mark.parametrize("option", [["--no-learning"], ["--bands", "24"], ["--pace"],
                                    ["--columns", "skip"]])
def test_the_demo_does_not_take_options_that_it_passes_over(said, option):
    assert said("--demo", *option) == f"--demo plays a built-in jam: leave {option[0]} away."


def test_columns_are_those_of_lines(said, tmp_path):
    # An error named --columns, which live did not take.
    assert said("--in", osc(port=free_port()), "--columns", "skip") == (
        "--columns is for lines of text: file:, udp-text:// or standard input. Leave it away.")
    assert said("--in", f"file:{tmp_path / 'jam.txt'}", "--columns", "bark").startswith(
        "columns must be words of time, number, sample, skip, levels")


def test_closed_standard_input_is_one_line(said, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert said("--in", "-") == "standard input: it is closed"
