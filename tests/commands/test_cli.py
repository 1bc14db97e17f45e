"""The command line: what it prints, what it writes, and how it fails."""

import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import barkcluster
from barkcluster import cli, synthetic
from barkcluster.commands import _options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a jam, more of the same and something else."""
    folder = tmp_path_factory.mktemp("sessions")
    session, _ = synthetic.make_session(1, random_state=3, surprises=False)
    other, _ = synthetic.make_session(0.3, random_state=4, surprises=False)
    barkcluster.write_session(session.between(0, 40), folder / "jam.txt")
    barkcluster.write_session(session.between(40, 60), folder / "now.txt")
    barkcluster.write_session(other, folder / "other.txt")
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run a command in that folder; return its code, output and errors."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments):
        capsys.readouterr()
        try:
            code = cli.main(arguments)
        except SystemExit as stop:  # argparse
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


def python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True,
                          timeout=120, check=False, **options)


@pytest.mark.slow
def test_help_lists_every_command_without_importing_scikit_learn():
    code = ("import sys\nfrom barkcluster.cli import main\n"
            "for command in [[], *([name] for name in sys.argv[1:])]:\n"
            "    try:\n        main([*command, '--help'])\n"
            "    except SystemExit as stop:\n        assert not stop.code, command\n"
            "    assert 'sklearn' not in sys.modules, command\n"
            "    print('end of help')\n")
    done = python("-c", code, *cli.COMMANDS)
    assert done.returncode == 0, done.stderr
    helps = done.stdout.split("end of help\n")[:-1]
    assert len(helps) == 1 + len(cli.COMMANDS)
    assert all("examples:" in text for text in helps)
    assert all(name in helps[0] for name in cli.COMMANDS)
    assert python("-m", "barkcluster", "--help").stdout == helps[0]


def test_threads_are_limited_before_numpy_is_imported():
    code = ("import os, sys\nfrom barkcluster.cli import main\nassert 'numpy' not in sys.modules\n"
            "try:\n    main(['--version'])\n"
            "finally:\n    assert os.environ['OPENBLAS_NUM_THREADS'] == '1'\n")
    variables = {name: value for name, value in os.environ.items() if "THREADS" not in name}
    done = python("-c", code, env=variables)
    assert done.returncode == 0, done.stderr


def test_version(run):
    assert run("--version") == (0, f"barkcluster {barkcluster.__version__}\n", "")


def test_names_of_scorers_are_those_of_the_library():
    assert tuple(barkcluster.SCORERS) == _options.SCORER_NAMES


# What goes right.

@pytest.mark.slow
def test_score_shows_bars_and_the_strangest_moments(run):
    bar = np.asarray(barkcluster.read_session("jam.txt"))[1000:1200]
    barkcluster.write_session(barkcluster.Session(np.tile(bar, (20, 1))), "loop.txt")
    code, out, err = run("score", "loop.txt", "loop.txt")
    assert (code, err) == (0, "")
    assert out.startswith("loop.txt, by 0:40 of loop.txt:")
    assert float(re.search(r"mean familiarity ([0-9.]+)", out)[1]) >= 0.98
    assert "nothing was strange: the least familiar moment" in out
    assert max(map(len, out.splitlines())) <= 100
    assert "\x1b" not in out


@pytest.mark.slow
def test_strangest_moments_stop_at_the_threshold(run):
    noise = np.random.default_rng(0).normal(-40, 20, size=(2000, 25))
    barkcluster.write_session(barkcluster.Session(noise), "noise.txt")
    _, out, _ = run("score", "jam.txt", "noise.txt")
    title, _, *rows = out[out.index("strangest moments"):].splitlines()
    assert title == "strangest moments, below 0.05"
    assert rows
    assert all(float(row.split()[1]) < 0.05 for row in rows)


def test_compare_takes_one_session(run):
    code, _, err = run("compare", "jam.txt", "now.txt")
    assert code == 2
    assert "compare takes one SESSION" in err
    assert "--intrusions now.txt" in err


def test_usage_errors_name_the_help_of_the_command(run):
    code, _, err = run("score", "jam.txt", "now.txt", "--plog", "x.png")
    assert code == 2
    assert "(see barkcluster score --help)" in err


@pytest.mark.slow
def test_score_writes_the_timeline_as_csv_and_a_picture(run, tmp_path):
    code, _, _ = run("score", "jam.txt", "now.txt", "--scales", "0.5,2", "--csv",
                     str(tmp_path / "now.csv"), "--plot", str(tmp_path / "now.png"))
    assert code == 0
    model = barkcluster.FamiliarityModel(scales=(0.5, 2.0), random_state=0)
    model.fit(barkcluster.read_session("jam.txt"))
    expected = model.timeline(barkcluster.read_session("now.txt"))
    table = np.genfromtxt(tmp_path / "now.csv", delimiter=",", names=True)
    np.testing.assert_allclose(table["familiarity"], expected.familiarity, rtol=1e-5)
    assert (tmp_path / "now.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_csv_on_standard_output_is_alone_there(run, tmp_path):
    _, out, _ = run("score", "jam.txt", "now.txt", "--csv", "-")
    run("score", "jam.txt", "now.txt", "--csv", str(tmp_path / "now.csv"))
    assert out == (tmp_path / "now.csv").read_text()


@pytest.mark.slow
def test_a_model_file_scores_as_what_it_was_fitted_on(run, tmp_path):
    model = str(tmp_path / "jam.npz")
    code, out, _ = run("fit", "jam.txt", "other.txt", "--scorer", "gmm", "--scales", "0.5,1",
                       "-o", model)
    assert code == 0
    assert "gmm on 0:58 in 2 takes, windows of 0.5, 1 s." in out
    _, by_model, _ = run("score", model, "now.txt", "--csv", "-")
    _, by_takes, _ = run("score", "jam.txt", "other.txt", "now.txt", "--scorer", "gmm",
                         "--scales", "0.5,1", "--csv", "-")
    assert by_model == by_takes


@pytest.mark.slow
def test_a_background_is_learned_from_a_folder_and_goes_into_the_model(run, tmp_path):
    others, model = str(tmp_path / "others.npz"), str(tmp_path / "jam.npz")
    (tmp_path / "more" / "deeper").mkdir(parents=True)
    for seed in range(3):       # far from the jam: near strangers would change nothing
        noise = np.random.default_rng(seed).normal(-40, 15, size=(2000, 25))
        barkcluster.write_session(
            barkcluster.Session(noise), tmp_path / "more" / "deeper" / f"noise{seed}.txt")
    code, out, err = run("background", "other.txt", str(tmp_path / "more"),
                         "-o", others)
    assert (code, err) == (0, "")
    assert out == f"{others}: 4 excerpts of 15 s from 4 sessions.\n"
    assert run("fit", "jam.txt", "--scales", "0.5,1", "--background", others, "-o", model)[0] == 0
    _, by_model, _ = run("score", model, "now.txt", "--csv", "-")
    _, at_once, _ = run("score", "jam.txt", "now.txt", "--scales", "0.5,1", "--background", others,
                        "--csv", "-")
    _, without, _ = run("score", "jam.txt", "now.txt", "--scales", "0.5,1", "--csv", "-")
    assert by_model == at_once != without


@pytest.mark.slow
def test_of_many_files_a_background_reads_some_evenly(run, tmp_path):
    for i in range(70):
        session = barkcluster.Session(np.full((1500, 25), -float(i)))
        barkcluster.write_session(session, tmp_path / f"{i:02}.txt")
    code, out, _ = run("background", str(tmp_path), "-o", str(tmp_path / "others.npz"))
    assert code == 0
    assert out.endswith("32 excerpts of 15 s from 32 sessions.\n")


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
def test_compare_races_all_scorers_and_names_every_intrusion(run):
    code, out, _ = run("compare", "jam.txt", "--train", "50%", "--scales", "0.5,2",
                       "--intrusions", "other.txt", "now.txt")
    assert code == 0
    assert "learned the first 0:20.0, scored the other 0:20.0" in out
    for name in barkcluster.SCORERS:
        assert out.count(f"\n{name}") == 2  # in the table and in the agreement
    assert "\nother.txt" in out
    assert "AUC" in out


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
def test_compare_without_intrusions_has_no_auc(run):
    _, out, _ = run("compare", "jam.txt", "--train", "30", "--scales", "0.5,2")
    assert "AUC" not in out


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
def test_demo_prints_all_scorers_and_the_surprises_and_writes_files(run, tmp_path):
    code, out, _ = run("demo", "--minutes", "1.5", "--seed", "1", "-o", str(tmp_path / "demo"),
                       "--color", "always")
    assert code == 0
    for name in barkcluster.SCORERS:
        assert f"\n{name}" in out
    _, known = synthetic.make_session(1.5, random_state=1)
    assert known.surprises
    for surprise in known.surprises:
        assert surprise.kind in out
    assert "\x1b[38;5;" in out
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "jam.wav", "heard.txt", "rest.txt", "demo.png", *(f"{n}.csv" for n in barkcluster.SCORERS)}


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
@pytest.mark.filterwarnings("ignore:.* too short for scales")
def test_demo_without_matplotlib_says_so_and_goes_on(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, out, err = run("demo", "--minutes", "0.2", "-o", str(tmp_path))
    assert code == 0
    assert "pip install '" in err
    assert "[plot]'" in err
    assert "jam.wav" in out
    assert not (tmp_path / "demo.png").exists()


def test_extract_names_outputs_after_their_sources(run, tmp_path):
    wavfile = pytest.importorskip("scipy.io.wavfile")
    pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    sound, sample_rate, _ = synthetic.make_sound(0.1)
    for name in ("a.wav", "b.wav"):
        wavfile.write(tmp_path / name, sample_rate, sound)
    code, out, _ = run("extract", str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), "-o",
                       str(tmp_path / "texts"))
    assert code == 0
    assert "a.txt: 600 frames, 0:06.0 at 100 Hz" in out
    frames = barkcluster.read_session(tmp_path / "texts" / "b.txt").frames
    np.testing.assert_allclose(frames, barkcluster.bark_frames(sound, sample_rate), atol=1e-3)
    assert run("extract", str(tmp_path / "a.wav"), "-o", str(tmp_path / "a.txt"))[0] == 0
    assert len(barkcluster.read_session(tmp_path / "a.txt")) == 600


# What goes wrong: code 2 and one line.

@pytest.mark.parametrize(("arguments", "message"), [
    (["score", "none.txt", "now.txt"], "barkcluster: none.txt: No such file or directory"),
    (["score", ".", "now.txt"], "barkcluster: .: Is a directory"),
    (["score", "bad.txt", "now.txt"], "barkcluster: bad.txt:2: expected 25 numbers, got 24."),
    (["score", "now.txt"], "barkcluster score: the following arguments are required: NEW"),
    (["score", "jam.txt", "now.txt", "--scales", "2,x"], "argument --scales: must be a number"),
    (["score", "jam.txt", "now.txt", "--scales", "2,1"], "barkcluster: scales must increase"),
    (["score", "jam.txt", "now.txt", "--scales", "15"], "barkcluster: frames must cover 45 s"),
    (["score", "jam.txt", "now.txt", "--plot", "now.doc"], "now.doc must be a picture"),
    (["score", "jam.txt", "now.txt", "--seed", "-1"], "argument --seed: must be a whole number"),
    (["score", "fake.npz", "jam.txt", "now.txt"],
     "barkcluster: fake.npz is a model file: it must be the only TRAIN; got 2."),
    (["score", "fake.npz", "now.txt", "--scorer", "gmm"], "Leave out --scorer, --scales"),
    (["score", "fake.npz", "now.txt", "--background", "others.npz"], "Leave out --scorer"),
    (["score", "fake.npz", "now.txt"], "barkcluster: fake.npz"),
    (["background", "bad.txt", "-o", "others.npz"], "bad.txt:2: expected 25 numbers, got 24."),
    (["background", "empty", "-o", "others.npz"], "empty must hold session or sound files"),
    (["background", "jam.txt", "-o", "none/others.npz"], "there is no folder none."),
    (["fit", "jam.txt", "--background", "none.npz", "-o", "jam.npz"], "none.npz: No such file"),
    (["fit", "jam.txt", "--background", "fake.npz", "-o", "jam.npz"], "fake.npz: is no model"),
    (["compare", "jam.txt", "--train", "60"], "jam.txt lasts 40 s; got 60 s."),
    (["compare", "jam.txt", "--train", "120%"], "argument --train: must be less than 100%"),
    (["fit", "jam.txt", "-o", "none/jam.npz"], "barkcluster: none/jam.npz: there is no"),
    (["score", "jam.txt", "now.txt", "--csv", "none/a.csv"], "there is no folder none."),
    (["demo", "--minutes", "0"], "argument --minutes: must be a positive number; got '0'."),
    (["demo", "--minutes", "0.01"], "barkcluster: minutes must be at least 0.05"),
    (["extract", "a/x.wav", "b/x.wav"], "a/x.wav and b/x.wav would both be written to x.txt."),
    (["extract", "jam.wav", "-o", "jam.wav"], "jam.wav is what is read, and would be lost"),
    (["extract", "none.wav"], "barkcluster: none.wav: No such file or directory"),
    (["dance"], "barkcluster: argument COMMAND: invalid choice: 'dance'"),
    ([], "barkcluster: the following arguments are required: COMMAND"),
])
def test_bad_input_is_one_line_and_code_2(run, folder, arguments, message):
    (folder / "bad.txt").write_text("0 " * 25 + "\n" + "0 " * 24 + "\n")
    (folder / "fake.npz").write_bytes(b"PK\x03\x04 and no more")
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "jam.wav").write_bytes(b"RIFF and no more")
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert err.endswith("\n")


def test_traceback_on_request(run):
    with pytest.raises(FileNotFoundError):
        run("--traceback", "score", "none.txt", "now.txt")


def test_a_warning_is_one_clean_line(run):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        code, _, err = run("score", "jam.txt", "now.txt", "--scales", "0.5,15")
    assert code == 0
    assert err.startswith("barkcluster: warning: ")
    assert "15 s" in err
    assert err.count("\n") == 1


def test_interrupt_is_quiet(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("barkcluster.commands.score.read", interrupt)
    assert run("score", "jam.txt", "now.txt") == (130, "", "")


@pytest.mark.slow
def test_reader_that_goes_away_is_no_error(folder):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "barkcluster", "score", "jam.txt", "now.txt"], cwd=folder,
            stdout=gone, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 141
    # A slow machine shows progress, and nothing else.
    assert "rror" not in done.stderr and "Traceback" not in done.stderr


def test_tempo_prints_a_line_for_each_file(run):
    code, out, err = run("tempo", "jam.txt", "other.txt")
    assert (code, err) == (0, "")
    header, first, second = out.splitlines()
    assert header.split()[:3] == ["file", "bpm", "confidence"]
    assert first.startswith("jam.txt") and second.startswith("other.txt")
    assert 40 < float(first.split()[1]) < 240


def test_tempo_takes_a_range(run):
    code, out, _ = run("tempo", "jam.txt", "--bpm-range", "60", "110")
    assert code == 0
    assert 60 < float(out.splitlines()[1].split()[1]) < 110
    code, _, err = run("tempo", "jam.txt", "--bpm-range", "110", "60")
    assert code == 2
    assert "bpm_range must be" in err


def test_motifs_prints_what_recurs(run):
    code, out, err = run("motifs", "jam.txt", "-n", "3")
    assert (code, err) == (0, "")
    header, *rows = out.splitlines()
    assert header.split()[:3] == ["length", "times", "alike"]
    assert 1 <= len(rows) <= 3
    assert all(row.split()[1] == "s" for row in rows)


@pytest.mark.slow
def test_motifs_unique_to(run):
    code, out, _ = run("motifs", "other.txt", "--unique-to", "jam.txt", "now.txt")
    assert code == 0
    assert "moments that the others lack: 0:" in out
    code, out, _ = run("motifs", "jam.txt", "--unique-to", "jam.txt")
    assert (code, out) == (0, "no motifs\n\nmoments that the others lack: none\n")


def test_a_warning_is_printed_once_although_a_library_makes_python_forget_it(
        monkeypatch, capsys):
    def run(args):
        for _ in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.warn("two takes are one", stacklevel=1)
        return 0

    monkeypatch.setattr("barkcluster.commands.check.run", run)
    assert cli.main(["check", "jam.txt"]) == 0
    assert capsys.readouterr().err == "barkcluster: warning: two takes are one\n"
