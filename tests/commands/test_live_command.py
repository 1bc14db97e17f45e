"""barkcluster live, as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from barkcluster import FamiliarityModel, read_session
from barkcluster.cli import main
from barkcluster.live.osc import build_message, parse_packet
from tests.players import LOCAL, end, free_port, jam

# Each starts programs of its own.
pytestmark = pytest.mark.slow
# Other programs may have the machine meanwhile; more is a fault.
LONGEST_S = 60


@pytest.fixture
def model_file(rng, tmp_path):
    path = tmp_path / "model.npz"
    FamiliarityModel("kmeans", scales=(0.2, 0.5), random_state=0).fit(jam(rng, 600)).save(path)
    return path


@pytest.fixture
def listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((LOCAL, 0))
        opened.settimeout(LONGEST_S)
        yield opened


@pytest.fixture
def start(listener):
    """Start it, wait until it says its first /status; return the process and a port to send to."""
    processes = []

    def start(*arguments):
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "barkcluster", "live", "--quiet", "--in",
             f"osc://{LOCAL}:{port}/bark", "--out", f"osc://{LOCAL}:{listener.getsockname()[1]}",
             *map(os.fspath, arguments)], stderr=subprocess.PIPE)
        processes.append(process)
        deadline = time.monotonic() + LONGEST_S
        while parse_packet(listener.recv(65535))[0].address != "/status":
            assert time.monotonic() < deadline, "it did not say how it does"
        return process, port

    yield start
    end(processes)


def send(port, frames):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for frame in frames:
            sender.sendto(build_message("/bark", frame.tolist()), (LOCAL, port))


def wait_until_heard(listener, seconds):
    deadline = time.monotonic() + LONGEST_S
    while True:
        assert time.monotonic() < deadline, f"{seconds} s were not heard"
        [message] = parse_packet(listener.recv(65535))
        if message.address == "/status" and message.values[1] >= seconds - 1e-3:
            return message


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter on Windows")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_writes_what_it_gathered(rng, start, listener, tmp_path, how):
    if signal.getsignal(how) == signal.SIG_IGN:
        pytest.skip("whoever started the tests has them ignore this signal")
    gathered = tmp_path / "jam.txt"
    heard = jam(rng, 123)
    process, port = start("--gather", gathered)
    send(port, heard)
    wait_until_heard(listener, 1.23)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"123 frames received, 0 rejected" in said
    np.testing.assert_array_equal(read_session(gathered).frames, heard)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter on Windows")
def test_killed_it_goes_on_from_what_was_gathered(rng, start, listener, tmp_path):
    gathered = tmp_path / "jam.txt"
    process, port = start("--gather", gathered)
    send(port, jam(rng, 200))
    wait_until_heard(listener, 2.0)
    deadline = time.monotonic() + LONGEST_S
    while not gathered.exists() or gathered.stat().st_size < 25 * 8 * 175:
        assert time.monotonic() < deadline, "what was heard was not gathered"
        time.sleep(0.01)
    process.kill()
    process.wait()
    start("--gather", gathered)
    wait_until_heard(listener, 1.75)


def test_answers_by_a_model_file(rng, start, listener, model_file):
    heard = jam(rng, 20)
    _, port = start("--model", model_file, "--no-learning")
    send(port, heard)
    deadline = time.monotonic() + LONGEST_S
    while True:
        assert time.monotonic() < deadline, "there was no answer"
        [message] = parse_packet(listener.recv(65535))
        if message.address == "/familiarity":
            break
    assert 0 <= message.values[0] <= 1


def test_standard_input_to_standard_output(rng, model_file):
    heard = jam(rng, 100)
    text = "".join(" ".join(f"{v:.9g}" for v in frame.tolist()) + "\n" for frame in heard)
    done = subprocess.run(
        [sys.executable, "-m", "barkcluster", "live", "--in", "-", "--out", "-", "--model",
         os.fspath(model_file), "--no-learning"], input=text.encode(), capture_output=True,
        timeout=120, check=True)
    from barkcluster import load_model

    table = np.array([line.split() for line in done.stdout.decode().splitlines()], dtype=float)
    timeline = load_model(model_file).timeline(heard)
    np.testing.assert_allclose(table[:, 0], timeline.times)
    np.testing.assert_allclose(table[:, 1], timeline.familiarity, rtol=1e-5)


@pytest.mark.parametrize("arguments, message", [
    (["--demo", "--in", "-"], "leave --in away"),
    (["--in", "osc://0.0.0.0:7400"], "say so with --bind 0.0.0.0"),
    (["--in", "-", "--no-learning"], "--no-learning needs a model"),
    (["--in", "-", "--out", "mic"], "--out must be"),
    (["--in", "-", "--gather", "/no/such/folder/jam.txt"], "there is no folder"),
])
def test_bad_arguments_are_one_line(capsys, arguments, message):
    assert main(["live", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_taken_port_is_one_line(capsys, listener):
    port = listener.getsockname()[1]
    assert main(["live", "--in", f"udp-text://{LOCAL}:{port}"]) == 2
    assert f"udp-text://{LOCAL}:{port}: Address already in use" in capsys.readouterr().err


def test_asked_for_nothing_it_says_what_to_do_next(capsys):
    assert main(["live"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n  barkcluster live ") == 3
    assert "barkcluster live --demo --page" in said


def test_the_demo_needs_no_program_and_names_the_surprises(tmp_path, capfd, monkeypatch):
    # A fifth of the jam: its surprises come as soon after what is learned.
    monkeypatch.setattr("barkcluster.live.demonstration._MINUTES", 1.0)
    assert main(["live", "--demo", "--seconds", "8", "--out",
                 f"file:{tmp_path / 'readings.txt'}"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert "the first 0:24 of a built-in jam are learned" in lines[1]
    assert re.match(r"0:\d\d to 0:\d\d: surprise, ", lines[2])
    readings = np.loadtxt(tmp_path / "readings.txt")
    assert readings[0, 0] > 24
    assert readings[:20, 1].min() > 0.05
