"""What README.md and the documentation show is what happens."""

import doctest
import re
import runpy
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import barkcluster
from barkcluster import cli, synthetic

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.rst")
               if not {"_templates", "generated"} & set(path.parts))
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("plot_*.py"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]


def name_of(path):
    return str(path.relative_to(ROOT))


def fenced(text, language):
    """The code blocks of a language in a Markdown or reStructuredText page."""
    if text.startswith("# "):
        return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return re.findall(rf"^\.\. code-block:: {language}\n\n((?: +.*\n|\n)+)", text, re.MULTILINE)


def commands_in(path):
    lines = [line.strip() for block in fenced(path.read_text("utf-8"), "shell")
             for line in block.splitlines()]
    # The demo at its full length is the first command of the README, and .ci/run runs it.
    return [line for line in lines if line.startswith("barkcluster ")
            and line != "barkcluster demo"]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder with the sessions that the pages speak of, as short as their commands can do with.
    """
    folder = tmp_path_factory.mktemp("recordings")
    session, _ = synthetic.make_session(0.8, random_state=3, surprises=False)
    sessions = {"jam.txt": session.between(0, 36), "now.txt": session.between(36, 46),
                "take1.txt": session.between(0, 15), "take2.txt": session.between(15, 30),
                "other.txt": synthetic.make_session(0.3, random_state=4, surprises=False)[0],
                **{f"evenings/{seed}.txt": synthetic.make_session(0.3, random_state=seed)[0]
                   for seed in (5, 6, 7)}}
    copies = {"sessions": ("take1.txt", "take2.txt", "other.txt"),
              "bands/anna": ("take1.txt", "take2.txt"), "bands/bert": ("jam.txt", "now.txt")}
    for name in ("evenings", *copies):
        (folder / name).mkdir(parents=True)
    for name, session in sessions.items():
        barkcluster.write_session(session, folder / name)
    for name, copied in copies.items():
        for source in copied:
            shutil.copy(folder / source, folder / name)
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch, recordings):
    """A working directory with these sessions in it."""
    shutil.copytree(recordings, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_examples_give_what_they_show(path, folder):
    failed, _ = doctest.testfile(str(path), module_relative=False, globs={"np": np},
                                 optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
@pytest.mark.filterwarnings("ignore:.* too short for scales")
@pytest.mark.parametrize("path", [path for path in TEXTS if commands_in(path)], ids=name_of)
def test_commands_run(path, folder, capsys):
    if any(".wav" in command for command in commands_in(path)):
        wavfile = pytest.importorskip("scipy.io.wavfile")
        pytest.importorskip("soundfile")
        pytest.importorskip("soxr")
        sound, sample_rate, _ = synthetic.make_sound(0.5)
        for name in ("jam.wav", "now.wav", "other.wav"):
            wavfile.write(folder / name, sample_rate, sound)
    for command in commands_in(path):
        # A jam as long as the page's would tell the command nothing more.
        command = command.replace("demo --minutes 1.5", "demo --minutes 0.3")
        assert cli.main(shlex.split(command)[1:]) == 0, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_examples_of_the_gallery_run(path):
    known = set(barkcluster.SCORERS)
    matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib (extra plot)")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    exec(compile(path.read_text("utf-8"), str(path), "exec"), {"__name__": "__main__"})
    assert plt.get_fignums()
    plt.close("all")
    for name in set(barkcluster.SCORERS) - known:  # what an example adds goes again
        del barkcluster.SCORERS[name]


@pytest.mark.slow
def test_python_in_readme_runs(folder, capsys):
    (block,) = fenced((ROOT / "README.md").read_text("utf-8"), "python")
    exec(compile(block, "README.md", "exec"), {})
    assert "strange, in seconds:" in capsys.readouterr().out
    assert (folder / "now.csv").read_text().startswith("time_s,familiarity,scale_0.5s")


def test_readme_begins_with_the_demo_and_the_tests():
    demo, tests, *_ = fenced((ROOT / "README.md").read_text("utf-8"), "shell")
    assert demo.strip().endswith(".venv/bin/barkcluster demo")
    assert ".venv/bin/pytest" in tests
    for command in (demo, tests):
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv && ")


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_links_to_files_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_reference_lists_every_public_name():
    listed = set(re.findall(r"^   (\w+)$", (ROOT / "docs" / "api.rst").read_text("utf-8"),
                            re.MULTILINE))
    assert set(barkcluster.__all__) - {"SCORERS"} <= listed


def test_no_page_has_an_empty_sidebar():
    """Beside Live and two other pages a quarter of a laptop's width said "Section Navigation"."""
    docs = ROOT / "docs"
    titles = (docs / "index.rst").read_text("utf-8").partition("toctree::")[2]
    alone = {page for page in re.findall(r"^   ([\w/]+)$", titles, re.MULTILINE)
             if "toctree::" not in (docs / f"{page}.rst").read_text("utf-8")}
    sidebars = runpy.run_path(str(docs / "conf.py"))["html_sidebars"]
    assert {page for page, parts in sidebars.items() if not parts} == alone


def test_the_picture_of_the_floors_is_what_the_imports_say():
    # If not: python docs/make_floors.py
    drawn = runpy.run_path(str(ROOT / "docs" / "make_floors.py"))["picture"]()
    assert (ROOT / "docs" / "_static" / "floors.svg").read_text("utf-8") == drawn


def test_files_that_pages_for_developers_name_are_there():
    for page in (ROOT / "CONTRIBUTING.md", ROOT / "docs" / "developers" / "architecture.rst"):
        text = page.read_text("utf-8")
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|rst|md))`", text):
            assert (ROOT / name).exists() or (ROOT / "barkcluster" / name).exists(), name


def test_every_check_of_ci_can_run_alone():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    for name in re.findall(r"`\.ci/run (\w+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8")):
        assert f"\n{name}() {{" in script
