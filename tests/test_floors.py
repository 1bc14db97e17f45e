"""The floors of the package: which folder may import which, no circle, nothing hidden.

A file imports from its own folder and from those above it in `FLOORS`; who adds a folder gives it
a line there. Imports within a function save the command line its start, or an extra that may not
be installed; they never dodge a circle, for what they import is counted like all others.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "barkcluster"

# Top of the house last. Names that share a line do not import each other.
FLOORS = (
    ("_clock", "_extras", "_familiarity", "_parameters", "_processes", "_threads", "_typing",
     "_validation", "_version"),
    # What shows itself in a notebook; places that lock onto no beat; distances of many rows.
    ("_html", "_spread", "_distances"),
    ("files",),         # written whole, read with care
    ("frames",),        # 25 levels in dB, 100 times a second, out of text and sound
    ("synthetic", "windows", "calibration", "tempo"),
    ("motifs", "scorers"),
    ("model",),         # one scorer for each scale and view, and what they say together
    ("retraining", "gallery"),
    ("display",),       # for people to look at
    ("comparison",),    # scorers side by side
    ("live",),          # threads, clocks, sockets
    ("commands",),
    ("cli",),
    ("__main__",),
)
# Underscored names that the standard library documents, and a type of argparse.
OF_PYTHON = {"_replace", "_asdict", "_ActionsContainer"}
RANK = {name: rank for rank, names in enumerate(FLOORS) for name in names}


def files():
    """Each module of the package by its dotted name."""
    return {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            .removesuffix(".__init__"): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def nodes_of(path):
    """All of a file's syntax, read once."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def imported(name, path, modules):
    """Modules of the package that a file imports, wherever in it, each with its line."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names
                        if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[:len(package.split(".")) - node.level + 1]
                base = ".".join([*up, *([node.module] if node.module else [])])
            for alias in node.names:
                of_a_package = f"{base}.{alias.name}"
                if of_a_package in modules:
                    yield of_a_package, node.lineno
                elif base in modules:
                    yield base, node.lineno


def floor_of(name):
    """The first folder, or file, below the package; empty for the package itself."""
    return [*name.split("."), ""][1]


def circles(graph):
    """Sets of two and more nodes each of which leads to all the others."""
    reached = {}
    for start in graph:
        seen, ahead = set(), [start]
        while ahead:
            for other in graph[ahead.pop()] - seen:
                seen.add(other)
                ahead.append(other)
        reached[start] = seen
    found = {frozenset(b for b in graph if b in reached[a] and a in reached[b]) for a in graph}
    return [sorted(group) for group in found if group]


MODULES = files()
BENCHMARKS = {f"benchmarks.{path.stem}": path
              for path in sorted((PACKAGE.parent / "benchmarks").glob("*.py"))}


@cache
def all_imports():
    """What each module imports; the documentation's picture is drawn from it."""
    return {name: list(imported(name, path, MODULES)) for name, path in MODULES.items()}


# Each of these looks at all files and tells all that is wrong.

def test_imports_run_down_the_floors():
    wrong = []
    for name, others in all_imports().items():
        floor = floor_of(name)
        if floor == "":
            continue    # The package itself imports the public names of all floors when asked.
        if floor not in RANK:
            wrong.append(f"{floor} needs a line in FLOORS")
            continue
        # "" is `import barkcluster`, as users write it: see below.
        wrong += [f"{MODULES[name]}:{line} imports {other}, which is not below {floor}"
                  for other, line in others if floor_of(other) not in ("", floor)
                  and RANK.get(floor_of(other), len(FLOORS)) >= RANK[floor]]
    assert not wrong, "\n".join(wrong)


def test_only_commands_use_the_public_names():
    for name, others in all_imports().items():
        if floor_of(name) not in ("commands", ""):
            assert "barkcluster" not in [other for other, _ in others], name


@pytest.mark.parametrize("modules", [MODULES, BENCHMARKS], ids=["barkcluster", "benchmarks"])
def test_no_file_imports_itself_by_way_of_others(modules):
    graph = {name: {other for other, _ in imported(name, path, modules)} - {"barkcluster"}
             for name, path in modules.items() if name != "barkcluster"}
    assert circles(graph) == []


def test_circles_are_found_and_lines_are_not():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_private_modules_stay_in_their_floor():
    for name, others in all_imports().items():
        for other, line in others:
            private = any(part.startswith("_") for part in other.split(".")[2:])
            assert not private or floor_of(name) == floor_of(other), f"{name}:{line}"


def test_private_names_stay_in_their_file():
    wrong = []
    for path in MODULES.values():
        for node in nodes_of(path):
            if isinstance(node, ast.ImportFrom) and (
                    node.level or node.module.startswith("barkcluster")):
                wrong += [f"{path}:{node.lineno} imports {alias.name}" for alias in node.names
                          if alias.name.startswith("_") and not alias.name.startswith("__")]
    assert not wrong, "\n".join(wrong)


def test_private_attributes_stay_in_their_file():
    wrong = []
    for path in MODULES.values():
        nodes = nodes_of(path)
        own = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        own |= {node.id for node in nodes if isinstance(node, ast.Name)}
        own |= {node.attr for node in nodes if isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store) and getattr(node.value, "id", "") == "self"}
        wrong += [f"{path}:{node.lineno} uses {node.attr} of another file" for node in nodes
                  if isinstance(node, ast.Attribute) and node.attr.startswith("_")
                  and not node.attr.startswith("__") and getattr(node.value, "id", "") != "self"
                  and node.attr not in own | OF_PYTHON]
    assert not wrong, "\n".join(wrong)
