"""Csound, ChucK, Node and SuperCollider themselves, with the examples of docs/clients.

Each plays its test signal to a player of ours; what arrives are frames, and nothing is rejected.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import webdriver

from barkcluster import FamiliarityModel
from barkcluster.live.addresses import Address
from barkcluster.live.loop import Live, Source
from barkcluster.live.player import Player
from barkcluster.live.sinks import open_sink
from barkcluster.retraining import RetrainingStream
from barkcluster.tempo import TempoTracker
from tests.players import LOCAL, free_port

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
N_FRAMES = 150


def needs(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


class Listening(Player):
    """A player that remembers what it hears."""

    heard = ()
    arrived = ()

    def hear(self, levels, arrived, now):
        self.heard = (*self.heard, levels)
        self.arrived = (*self.arrived, arrived)
        return super().hear(levels, arrived, now)


@pytest.fixture
def hear(rng, tmp_path):
    """Start a program, hear N_FRAMES of it, end it; the player, and what the program printed."""
    stream = RetrainingStream(
        FamiliarityModel("kmeans", scales=(0.1, 0.2), random_state=0).fit(
            rng.normal(-40, 10, size=(300, 25))), learn_in="thread")
    player = Listening("", stream, TempoTracker(), tmp_path)

    def hear(command, port, back, *, prints=None, until=lambda player: True, **options):
        sink = open_sink(Address("osc", LOCAL, back))
        live = Live([Source(Address("osc", LOCAL, port, "/bark"), player)], [sink])
        printed = tmp_path / "printed.txt"
        with printed.open("wb") as output:
            program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output, cwd=tmp_path, start_new_session=True,
                                       **options)
            try:
                deadline = time.monotonic() + 90
                live.run(until=lambda: time.monotonic() > deadline or (
                    len(player.heard) >= N_FRAMES and until(player)
                    and (prints is None or prints in printed.read_text(errors="replace"))))
            finally:
                live.close()
                sink.close()
                program.terminate()
                program.wait(30)
                # What it started and left behind, as sclang at times its sound server.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGKILL)
        return player, printed.read_text(errors="replace")

    yield hear
    player.close()


@pytest.fixture
def jack():
    """Start a JACK server without a sound card; the environment of a program that plays to it."""
    with contextlib.ExitStack() as running:
        def start(sample_rate):
            server = subprocess.Popen(
                ["jackd", "-r", "-n", "barkcluster-test", "-d", "dummy", "-r", str(sample_rate),
                 "-p", "512"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.callback(server.wait, 30)
            running.callback(server.terminate)
            # A client that comes before its server is there gives up.
            deadline = time.monotonic() + 10
            while (not any(Path("/dev/shm").glob("jack_barkcluster-test_*_0"))
                   and time.monotonic() < deadline):
                time.sleep(0.01)
            return {**os.environ, "JACK_DEFAULT_SERVER": "barkcluster-test"}

        yield start


def check(player, printed):
    assert player.n_received >= N_FRAMES, printed[-2000:]
    assert player.n_rejected == 0
    frames = np.array(player.heard[50:])
    assert frames.shape[1] == 25
    assert np.all(frames <= 10)
    # A tone of 110 Hz and its overtones: the band that holds it is louder than the highest.
    assert np.all(frames.mean(axis=0)[1] > frames.mean(axis=0)[24] + 10)


@needs("csound")
def test_csound_plays_and_is_told(hear):
    port, back = free_port(), free_port()
    check(*hear(["csound", "-+rtaudio=null", "-odac", f"--omacro:BARK_PORT={port}",
                 f"--omacro:BACK_PORT={back}", CLIENTS / "csound" / "barkcluster.csd"],
                port, back, prints="familiarity 0."))


@needs("chuck", "jackd")
def test_chuck_plays_in_time_and_is_told(hear, jack):
    """With --silent it sent 3000 frames a second."""
    version = subprocess.run(["chuck", "--version"], capture_output=True, text=True, check=False)
    if "jack" not in version.stdout + version.stderr:
        pytest.skip("this ChucK knows no JACK, and without a sound card nothing else is in time")
    port, back = free_port(), free_port()
    player, printed = hear(["chuck", f"{CLIENTS / 'chuck' / 'barkcluster.ck'}:{port}:{back}"],
                           port, back, prints="familiarity 0.", env=jack(48_000))
    check(player, printed)
    # However busy this machine is: not faster than that.
    assert player.arrived[-1] - player.arrived[0] > 0.5 * (len(player.arrived) - 1) / 100


@needs("node")
def test_node_plays_and_is_told(hear):
    port, back = free_port(), free_port()
    player, printed = hear(["node", CLIENTS / "node" / "barkcluster.js", str(port), str(back)],
                           port, back, prints="familiarity 0.")
    assert player.n_received >= N_FRAMES, printed
    assert player.n_rejected == 0
    n, band = np.ogrid[:N_FRAMES, :25]
    np.testing.assert_allclose(player.heard[:N_FRAMES],
                               -50 + 20 * np.sin(2 * np.pi * n / 100 + band / 4), atol=1e-4)


@needs("node")
def test_node_passes_on_what_a_page_hears_and_nothing_of_other_pages(hear):
    port, back, web = free_port(), free_port(), free_port(socket.SOCK_STREAM)
    levels = " ".join(["-40.5"] * 25)

    def ask(origin):
        page = http.client.HTTPConnection(LOCAL, web, timeout=30)
        with contextlib.closing(page):
            page.request("POST", "/frames", f"{levels}\n" * 10, {"Origin": origin})
            return page.getresponse().status

    asked = []

    def play():
        deadline = time.monotonic() + 60
        while not asked and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                asked.append(ask("http://elsewhere.example"))
        asked.extend(ask(f"http://{LOCAL}:{web}") for _ in range(N_FRAMES // 10))

    playing = threading.Thread(target=play)
    playing.start()
    try:
        player, _ = hear(["node", CLIENTS / "node" / "barkcluster.js", str(port), str(back),
                          str(web)], port, back)
    finally:
        playing.join()
    assert asked == [403] + [204] * (N_FRAMES // 10)
    assert player.n_received == N_FRAMES
    assert np.all(np.array(player.heard) == -40.5)


@pytest.mark.slow
@needs("node")
def test_node_passes_on_what_a_browser_hears_and_the_page_shows_the_answer(hear):
    if webdriver.missing():
        pytest.skip(f"needs {webdriver.missing()}")
    port, back, web = free_port(), free_port(), free_port(socket.SOCK_STREAM)
    # Chromium has a microphone that beeps, and lets everybody use it.
    options = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    answers, heard = [], threading.Event()

    def play():
        deadline = time.monotonic() + 60
        with webdriver.browser(*options) as page:
            while page.run("return document.title") != "barkcluster":
                with contextlib.suppress(RuntimeError):     # nobody listens yet
                    page.open(f"http://{LOCAL}:{web}")
            page.drag(page.run("const { x, y } = document.querySelector('button')"
                               ".getBoundingClientRect(); return [x + 5, y + 5].map(Math.round)"))
            while not answers and time.monotonic() < deadline:
                answer = page.run("return document.querySelector('output').textContent")
                answers.extend([answer] if answer != "-" else [])
            heard.wait(60)

    playing = threading.Thread(target=play)
    playing.start()
    try:
        player, printed = hear(["node", CLIENTS / "node" / "barkcluster.js", str(port), str(back),
                                str(web)], port, back, until=lambda player: (
                                    answers and max(player.heard[-1]) > -40))
    finally:
        heard.set()
        playing.join()
    assert [0.0 <= float(answer) <= 1.0 for answer in answers] == [True], printed
    assert player.n_rejected == 0
    frames = np.array(player.heard)
    assert frames.shape[1] == 25
    assert np.all(frames <= 10)
    assert frames.max() > -40, "no beep was heard"


@pytest.mark.slow
@needs("sclang", "scsynth", "jackd")
def test_supercollider_goes_on_after_cmd_period(hear, jack, tmp_path):
    port, back, server = free_port(), free_port(), free_port()
    text = (CLIENTS / "supercollider" / "barkcluster.scd").read_text("utf-8")
    (tmp_path / "barkcluster.scd").write_text(text.replace("7400", str(port)))
    (tmp_path / "driver.scd").write_text(f"""
        thisProcess.openUDPPort({back});
        // Beside a server that is somebody else's.
        Server.default = s = Server(\\barkcluster, NetAddr("{LOCAL}", {server}));
        s.options.numInputBusChannels = 2;
        s.waitForBoot {{ {{ Saw.ar(110, 0.2) ! 2 }}.play(s); }};
        thisProcess.interpreter.executeFile("{tmp_path / 'barkcluster.scd'}");
        fork {{ 8.wait; CmdPeriod.run; "period".postln;
            1.wait; {{ Saw.ar(110, 0.2) ! 2 }}.play(s);
            2.wait; "went on, familiarity %".format(~familiarity).postln; }};
    """)
    environment = {**jack(44_100), "QT_QPA_PLATFORM": "offscreen",
                   "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    player, printed = hear(["sclang", "-i", "none", tmp_path / "driver.scd"], port, back,
                           prints="went on, familiarity ", env=environment)
    assert "period" in printed, printed[-2000:]
    assert player.n_received >= N_FRAMES, printed[-2000:]
    assert player.n_rejected == 0
    assert player.silent == 0
