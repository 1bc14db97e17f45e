"""Power cuts, full disks and other writers: what is at the path is the old model or the new one.

Each test runs a script of its own, which may be killed and limited without harm to the others.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Imports the library once, and runs each script that it is given in a process forked from there.
STARTER = """
import json, os, random, resource, signal, sys, time, traceback
from pathlib import Path
import numpy as np
from barkcluster import KNNDensityScorer, load_scorer

def run(script, output):
    os.dup2(output, 1)
    try:
        exec(script, globals())
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        sys.stdout.flush()
        os.write(1, traceback.format_exc().encode())
    finally:
        os._exit(1)

for line in sys.stdin:
    script, path = json.loads(line)
    folder = Path(path)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        run(script, writing)
    os.close(writing)
    with open(reading) as output:
        said = output.read()
    _, status = os.waitpid(pid, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), said]), flush=True)
"""
# Two scorers of different sizes, and which of them is in a file.
PREAMBLE = """
path = folder / "jam.npz"
rng = np.random.default_rng(0)
old = KNNDensityScorer().fit(rng.normal(size=(150, 20)))
new = KNNDensityScorer().fit(rng.normal(size=(300, 20)))
old.save(path)

def which():
    scorer = load_scorer(path)
    for name, known in ("old", old), ("new", new):
        if np.array_equal(scorer.memory_, known.memory_):
            assert np.array_equal(scorer.calibration_.novelty_, known.calibration_.novelty_)
            return name
    raise AssertionError("neither the old nor the new one")

def fork(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return pid
"""


@pytest.fixture(scope="module")
def run():
    with subprocess.Popen([sys.executable, "-c", STARTER], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as starter:
        def run(script, folder):
            starter.stdin.write(json.dumps([PREAMBLE + script, str(folder)]) + "\n")
            starter.stdin.flush()
            code, said = json.loads(starter.stdout.readline())
            assert code == 0, said
            return said.split()

        yield run
        starter.stdin.close()


@pytest.mark.slow
def test_a_full_disk_keeps_the_old_model(run, tmp_path):
    seen = run("""
new.save(folder / "size.npz")
size = os.path.getsize(folder / "size.npz")
os.remove(folder / "size.npz")
# Files of one model differ by some bytes: what is compressed in them holds when they were made.
for limit in [0, 1, 100, size // 2, size - 16]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        new.save(path)
    except OSError as error:
        print(error.errno, which(), len(os.listdir(folder)))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 16, resource.RLIM_INFINITY))
new.save(path)
print(which())
""", tmp_path)
    assert seen == ["27", "old", "1"] * 5 + ["new"]


@pytest.mark.slow
def test_killed_while_saving(run, tmp_path):
    seen = run("""
def save_for_ever():
    while True:
        new.save(path)
        old.save(path)

random.seed(1)
for trial in range(100):
    pid = fork(save_for_ever)
    time.sleep(random.uniform(0, 0.03))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    print(which())
""", tmp_path)
    assert len(seen) == 100
    assert set(seen) <= {"old", "new"}


@pytest.mark.slow
def test_two_processes_save_to_one_path(run, tmp_path):
    seen = run("""
def save_often(scorer):
    for _ in range(60):
        scorer.save(path)

writers = [fork(lambda: save_often(old)), fork(lambda: save_often(new))]
while writers:
    print(which())
    pid, status = os.waitpid(writers[0], os.WNOHANG)
    if pid:
        assert status == 0
        writers.pop(0)
print(len(os.listdir(folder)))
""", tmp_path)
    assert seen[-1] == "1"


@pytest.mark.slow
def test_a_folder_that_must_not_be_written(run, tmp_path):
    seen = run("""
os.chmod(path, 0o444)
os.chmod(folder, 0o555)

def save():
    if os.getuid() == 0:
        os.setuid(65534)        # root writes where it likes
    try:
        new.save(path)
    except PermissionError:
        os._exit(3)

pid = fork(save)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), which(), len(os.listdir(folder)))
os.chmod(folder, 0o755)
""", tmp_path)
    assert seen == ["3", "old", "1"]


@pytest.mark.slow
def test_stopped_by_the_user_while_saving(run, tmp_path):
    seen = run("""
def interrupt(*args):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
random.seed(2)
for trial in range(50):
    try:
        # Once more where the first comes to a destructor, which ignores it.
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 0.02), 0.5)
        while True:
            new.save(path)
            old.save(path)
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
    print(which())
print(len(os.listdir(folder)))
""", tmp_path)
    assert set(seen[:-1]) <= {"old", "new"}
    assert seen[-1] == "1"


def test_a_clock_that_jumps_changes_nothing_but_the_date(tmp_path, monkeypatch):
    from datetime import UTC, datetime

    from barkcluster import KNNDensityScorer, load_scorer

    class Jumping(datetime):
        years = iter((2100, 1970, 2026))

        @classmethod
        def now(cls, tz=None):
            return datetime(next(cls.years), 1, 1, tzinfo=UTC)

    monkeypatch.setattr("barkcluster.files.container.datetime", Jumping)
    rows = np.arange(40.0).reshape(20, 2)
    scorer = KNNDensityScorer().fit(rows)
    for _ in range(3):
        scorer.save(tmp_path / "scorer.npz")
        again = load_scorer(tmp_path / "scorer.npz")
        np.testing.assert_array_equal(again.score_samples(rows), scorer.score_samples(rows))
