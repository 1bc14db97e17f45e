"""What is installed, and what may be imported without the extras."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MODULES = sorted((ROOT / "barkcluster").rglob("*.py"))
IMPORT_NAMES = {"scikit-learn": "sklearn"}


def names(requirements):
    return {re.match(r"[A-Za-z0-9-]+", text).group() for text in requirements}


def imports_at_the_top(tree):
    """Packages imported when the module is, outside functions and TYPE_CHECKING."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def test_the_core_needs_five_packages():
    assert names(PROJECT["dependencies"]) == {
        "numpy", "scipy", "scikit-learn", "minisom", "joblib"}


def test_extras_are_imported_where_they_are_used():
    core = {IMPORT_NAMES.get(name, name) for name in names(PROJECT["dependencies"])}
    core |= {"threadpoolctl", "barkcluster"} | sys.stdlib_module_names  # the first: scikit-learn's
    wrong = []
    for path in MODULES:
        allowed = set(core)
        if path.match("live/page/server.py"):
            allowed |= {"aiohttp"}  # a process of its own: whoever starts it looked for the extra
        imported = set(imports_at_the_top(ast.parse(path.read_text("utf-8"))))
        wrong += [f"{path} imports {name}" for name in sorted(imported - allowed)]
    assert not wrong, "\n".join(wrong)


def test_all_holds_every_extra_of_users():
    of_developers = {"test", "lint", "docs", "bench", "fuzz", "release", "all"}
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    listed = set(re.search(r"\[(.*)\]", everything).group(1).split(","))
    assert listed == set(extras) - of_developers
    assert (ROOT / "barkcluster" / "py.typed").exists()


def test_setup_cfg_holds_flake8_alone():
    sections = re.findall(r"^\[(.*)\]", (ROOT / "setup.cfg").read_text("utf-8"), re.MULTILINE)
    assert sections == ["flake8"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "left_out"), [
    ("read_session", ["scipy", "sklearn"]),
    ("FamiliarityModel", ["sklearn", "joblib", "minisom"])])
def test_what_takes_long_to_import_is_imported_by_who_needs_it(name, left_out):
    code = f"import sys; from barkcluster import {name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(left_out) & set(done.stdout.split())
