"""`barkcluster rank` and `identify`."""

import os
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from barkcluster import Session, SessionGallery, cli, write_session
from barkcluster.commands import _evaluation, _gallery

pytestmark = pytest.mark.usefixtures("hasty_fits")


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


@pytest.mark.slow
def test_rank_puts_the_likeliest_first(folder, capsys):
    assert cli.main(["rank", "now.txt", "bands", "--save", "kept"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "bert", "anna"]
    assert cli.main(["rank", "now.txt", "kept", "-n", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == lines[:2]


@pytest.mark.slow
def test_rank_takes_folders_and_writes_csv(folder, capsys):
    (folder / "found" / "here").mkdir(parents=True)
    (folder / "now.txt").rename(folder / "found" / "now.txt")
    write_session(play(1, 8), "found/here/other.txt")
    (folder / "found" / "broken.txt").write_text("no session")
    assert cli.main(["rank", "found", "bands", "-n", "1", "--csv", "near.csv"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == ["near.csv: 2 rows"]
    assert "1 of 3 files skipped" in said.err
    rows = [row.split(",") for row in (folder / "near.csv").read_text().splitlines()]
    assert [row[:2] for row in rows] == [
        ["session", "name"], ["found/here/other.txt", "anna"], ["found/now.txt", "bert"]]
    assert cli.main(["rank", "found/now.txt", "bands", "--csv", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "session,name,familiarity"
    (folder / "empty").mkdir()
    assert cli.main(["rank", "empty", "bands"]) == cli.BAD_INPUT
    assert "got folders without any" in capsys.readouterr().err


@pytest.mark.slow
def test_a_name_has_the_sessions_of_folders_below_its_own(folder, capsys):
    (folder / "bands" / "bert" / "live").mkdir()
    (folder / "bands" / "bert" / "second.csv").rename(folder / "bands" / "bert" / "live" / "2.csv")
    (folder / "bands" / "dora" / "spring").mkdir(parents=True)
    write_session(play(4, 24), "bands/dora/spring/first.txt")
    write_session(play(4, 8), "dora.txt")
    assert cli.main(["identify", "now.txt", "dora.txt", "bands"]) == 0
    assert capsys.readouterr().out.splitlines() == ["now.txt: bert", "dora.txt: dora"]


@pytest.mark.slow
def test_identify_says_none_of_them(folder, capsys):
    assert cli.main(["identify", "now.txt", "stranger.txt", "bands"]) == 0
    assert capsys.readouterr().out.splitlines() == ["now.txt: bert", "stranger.txt: none of them"]


def test_a_folder_without_sessions_is_an_error(folder, capsys):
    (folder / "empty").mkdir()
    assert cli.main(["rank", "now.txt", "empty"]) == cli.BAD_INPUT
    assert "must hold session or sound files" in capsys.readouterr().err
    assert cli.main(["rank", "now.txt", "nowhere"]) == cli.BAD_INPUT
    assert "is not a folder" in capsys.readouterr().err


@pytest.fixture
def evenings(folder):
    for i, name in enumerate(("anna", "bert", "carl")):
        (folder / "evenings" / name).mkdir(parents=True)
        for take in range(2):
            write_session(play(i, 10 + take), folder / "evenings" / name / f"{name}{take}.txt")
    return folder


@pytest.mark.slow
def test_evaluate_prints_the_confusion_and_writes_csv_and_a_page(evenings, capsys):
    assert cli.main(["identify", "--evaluate", "evenings", "--folds", "2", "--csv", "said.csv",
                     "--page", "page.html", "--on-map", "now.txt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["is,", "said:", "anna", "bert", "carl"]
    assert any(line.startswith("accuracy (the nearest name is their own): 1.000; each name")
               for line in lines)
    rows = (evenings / "said.csv").read_text().splitlines()
    assert len(rows) == 7 and rows[1].startswith("anna0.txt,anna,anna,")
    page = (evenings / "page.html").read_text()
    assert page.count("<circle") == 6 and "<script" not in page
    assert "<title>now.txt, asked about</title>" in page
    assert cli.main(["identify", "--evaluate", "evenings", "--folds", "2", "--csv", "-"]) == 0
    assert capsys.readouterr().out.splitlines() == rows


def test_progress_counts_the_folds_that_there_are(evenings, monkeypatch):
    shown = []

    @contextmanager
    def progress(n_steps):
        yield lambda what: shown.append((what, n_steps))

    monkeypatch.setattr(_evaluation, "progress", progress)
    assert cli.main(["identify", "--evaluate", "evenings"]) == 0
    assert shown == [("fold 1 of 2", 2), ("fold 2 of 2", 2)]


def test_evaluate_says_what_it_cannot_do(evenings, capsys):
    assert cli.main(["identify", "now.txt", "bands", "--evaluate", "evenings"]) == cli.BAD_INPUT
    assert "takes its DIR alone" in capsys.readouterr().err
    assert cli.main(["identify", "--evaluate", "bands"]) == cli.BAD_INPUT
    assert "two names with several takes" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["identify", "bands"])
    assert "required: DIR" in capsys.readouterr().err
    assert cli.main(["identify", "now.txt", "--jobs", "1", "bands", "--page", "p.html"]) == (
        cli.BAD_INPUT)
    assert "--page must be given with --evaluate" in capsys.readouterr().err
    assert cli.main(["identify", "--evaluate", "evenings", "--on-map", "now.txt"]) == cli.BAD_INPUT
    assert "--on-map must be given with --page" in capsys.readouterr().err
    for option in (["--save", "kept"], ["--strangers"]):
        assert cli.main(["identify", "--evaluate", "evenings", *option]) == cli.BAD_INPUT
        assert f"{option[0]} cannot be given with --evaluate" in capsys.readouterr().err


@pytest.mark.slow
def test_queries_may_be_folders_and_strangers_come_first(evenings, capsys):
    (evenings / "found" / "here").mkdir(parents=True)
    (evenings / "now.txt").rename(evenings / "found" / "now.txt")
    (evenings / "stranger.txt").rename(evenings / "found" / "here" / "stranger.txt")
    assert cli.main(["identify", "found", "bands", "--strangers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["found/here/stranger.txt", "found/now.txt"]
    assert cli.main(["identify", "found", "bands", "--csv", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[:2] for line in lines] == [
        ["session", "name"], ["found/here/stranger.txt", "none of them"],
        ["found/now.txt", "bert"]]
    header, stranger, _ = (line.split(",") for line in lines)
    assert header[2:] == ["nearest", "familiarity"] and float(stranger[3]) < 0.05


def test_a_link_to_a_name_is_no_other_name_and_empty_folders_are_said(tmp_path, capsys):
    """Its takes were those of two names, and each was taken for the other."""
    for name in ("bert", "empty"):
        (tmp_path / name).mkdir()
    write_session(play(2, 2), tmp_path / "bert" / "a.txt")
    write_session(play(3, 2), tmp_path / "carl.txt")
    (tmp_path / "again").symlink_to(tmp_path / "bert")
    (tmp_path / "anna.txt").symlink_to(tmp_path / "carl.txt")
    assert sorted(_gallery.named_sessions(tmp_path)) == ["bert", "carl"]
    said = capsys.readouterr().err.splitlines()
    assert [line.split("/")[-1] for line in said] == [
        "again leads to bert: left out.", "anna.txt leads to carl.txt: left out.",
        "empty holds no session or sound file: left out."]


def test_a_saved_gallery_cannot_be_evaluated(tmp_path, capsys):
    (tmp_path / "gallery.npz").touch()
    assert cli.main(["identify", "--evaluate", str(tmp_path)]) == cli.BAD_INPUT
    assert "a saved gallery" in capsys.readouterr().err


@pytest.mark.slow
def test_strangers_are_ordered_although_one_query_is_too_short(folder, capsys):
    write_session(play(2, 8).between(0, 0.5), "short.txt")
    assert cli.main(["identify", "now.txt", "short.txt", "bands", "--strangers"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert "skipped short.txt: a session must cover" in said.err


@pytest.mark.slow
def test_a_saved_gallery_is_saved_once_more_where_that_is_asked_for(folder, capsys):
    for source, copy in (("bands", "kept"), ("kept", "copy"), ("copy", "copy")):
        assert cli.main(["rank", "now.txt", source, "--save", copy]) == 0
    assert (folder / "copy" / "gallery.npz").exists()


@pytest.mark.parametrize(("words", "message"), [
    (["rank", "now.txt", "bands", "-n", "0"], "must be a whole number of 1 or more; got '0'"),
    (["rank", "now.txt", "bands", "--jobs", "0"], "or -1 for all cores; got '0'"),
    (["motifs", "now.txt", "-n", "-2"], "must be a whole number of 1 or more; got '-2'"),
    (["identify", "now.txt", "bands", "--false-alarms", "2"], "must be between 0 and 1"),
    (["identify", "--evaluate", "bands", "--folds", "1.5"], "must be a whole number")])
def test_numbers_that_make_no_sense_are_refused_before_anything_is_learned(folder, capsys, words,
                                                                           message):
    with pytest.raises(SystemExit):
        cli.main(words)
    assert message in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf_8_are_written_to_csv(folder, capsys):
    os.rename("now.txt", b"n\xffw.txt")
    query = os.fsdecode(b"n\xffw.txt")
    assert cli.main(["rank", query, "bands", "-n", "1", "--csv", "near.csv"]) == 0
    assert (folder / "near.csv").read_text("utf-8").splitlines()[1].startswith("n\\udcffw.txt,")
    assert cli.main(["check", query, "now", "--longest", "20", "--csv", "faults.csv"]) == 1
    assert "\nn\\udcffw.txt,too short" in (folder / "faults.csv").read_text("utf-8")


def test_sessions_too_short_for_a_background_are_counted(folder, capsys):
    assert cli.main(["background", "bands", "now.txt", "-o", "others.npz"]) == 0
    assert capsys.readouterr().out == (
        "others.npz: 1 excerpt of 15 s from 1 session; 3 shorter than that left out.\n")


def test_queries_are_read_one_at_a_time_when_their_turn_comes(folder, monkeypatch):
    """All were read and kept before the first was asked about."""
    happened = []
    read, rank = _gallery.read_checked, SessionGallery.rank
    monkeypatch.setattr(_gallery, "read_checked", lambda path, args: (
        path.startswith("bands") or happened.append(path) or True) and read(path, args))
    monkeypatch.setattr(SessionGallery, "rank", lambda self, session: happened.append("rank") or (
        rank(self, session)))
    assert cli.main(["identify", "now.txt", "stranger.txt", "now.txt", "bands"]) == 0
    assert happened == ["now.txt", "rank", "stranger.txt", "rank", "now.txt", "rank"]


def test_a_query_that_is_not_there_is_said_before_anything_is_learned(folder, monkeypatch, capsys):
    monkeypatch.setattr(SessionGallery, "fit", lambda self, sessions: pytest.fail("was learned"))
    assert cli.main(["rank", "now.txt", "nowhere.txt", "bands", "--strict"]) == cli.BAD_INPUT
    assert "nowhere.txt: No such file" in capsys.readouterr().err
    (folder / "broken.txt").write_text("no session")
    assert cli.main(["rank", "broken.txt", "nowhere.txt", "bands"]) == cli.BAD_INPUT
    assert capsys.readouterr().err.count("skipped") == 2


def test_what_is_wrong_with_a_session_is_said_once_however_many_galleries_learn_it(
        evenings, capsys):
    linear = 10.0 ** (np.asarray(play(2, 14)) / 20.0)
    write_session(Session(linear), "evenings/bert/bert0.txt")
    assert cli.main(["identify", "--evaluate", "evenings", "--folds", "2"]) == 0
    said = capsys.readouterr().err
    assert said.count("bert0.txt: units") == 1, said


def test_what_is_wrong_with_a_query_is_said(folder, capsys):
    """A file of amplitudes was none of them, without a word."""
    write_session(Session(10.0 ** (np.asarray(play(1, 8)) / 20.0)), "linear.txt")
    assert cli.main(["identify", "linear.txt", "bands"]) == 0
    said = capsys.readouterr()
    assert said.out == "linear.txt: none of them\n"
    assert "warning: linear.txt: units: levels from" in said.err
