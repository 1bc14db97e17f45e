"""The page of a running session: what it remembers, whom it lets look, what a browser shows."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
import webdriver

from barkcluster import FamiliarityModel, load_model
from barkcluster.cli import main
from barkcluster.live.fudi import to_fudi
from barkcluster.live.page.feed import PageFeed
from barkcluster.live.page.likeness import Likeness, motifs_of
from barkcluster.live.page.memory import MOST_ROWS, Cursor, Memory
from barkcluster.live.page.server import PageServer, Place
from tests.players import LOCAL, end, free_port, jam

# Each starts programs of its own.
pytestmark = pytest.mark.slow

HELLO = {"marks": [], "players": [
    {"name": "ada", "scales": [0.5, 1.0], "frame_rate": 100.0, "n_bands": 25}]}


def rows(first, n):
    return [[0.1 * i, 0.5, 0.4, None] for i in range(first, first + n)]


def test_a_browser_that_comes_late_is_told_everything_once():
    memory, cursor = Memory(HELLO), Cursor()
    memory.take({"player": 0, "rows": rows(0, 3), "status": {"state": "ready"}})
    first = memory.news(cursor)
    assert first["run"] == memory.run
    assert first["players"]["0"]["rows"] == rows(0, 3)
    assert first["players"]["0"]["name"] == "ada"
    assert memory.news(cursor) is None
    memory.take({"player": 0, "rows": rows(3, 2), "status": {"state": "ready"}})
    assert memory.news(cursor) == {"players": {"0": {"rows": rows(3, 2)}}}


@pytest.mark.parametrize("text", [
    '{"token": "t", "player": 1e999, "word": "save"}', "[" * 1900, "[]", "", '"', "null",
    '{"token": "\\ud800", "player": 0, "word": "save"}'])
def test_what_no_button_says_ends_no_connection(text):
    pressed = []
    server = PageServer(Memory(HELLO), Place(LOCAL, 0, "t"), lambda *said: pressed.append(said))
    assert server._answer(text) in ("not understood", "token")
    assert not pressed


def test_two_hours_are_not_kept():
    memory, cursor = Memory(HELLO), Cursor()
    memory.news(cursor)
    for second in range(0, 72_000, 10):
        memory.take({"player": 0, "rows": rows(second, 10)})
    assert len(memory.news(cursor)["players"]["0"]["rows"]) == MOST_ROWS
    likeness = Likeness(100.0, 25)
    for first in range(0, 720_000, 3000):
        likeness.add(first, np.full((3000, 25), -40.0, np.float32))
    session = likeness.session()
    assert session.duration <= 630
    assert session.stop == 7200
    assert len(likeness._sounds) == 3600


def test_a_new_session_begins_with_an_empty_page():
    memory, cursor = Memory(HELLO), Cursor()
    memory.take({"player": 0, "rows": rows(0, 3), "status": {}})
    memory.news(cursor)
    memory.take({"player": 0, "reset": True, "rows": rows(0, 1)})
    told = memory.news(cursor)["players"]["0"]
    assert told["rows"] == rows(0, 1)
    assert told["forgotten"] == 1


def test_what_was_heard_before_is_found_in_the_time_of_the_session(rng):
    likeness = Likeness(100.0, 25)
    parts = [jam(rng, 1500) for _ in range(4)]
    first = 0
    for part in (parts[0], parts[1], parts[2], parts[3]):
        likeness.add(first, part)
        first += len(part)
    first += 2000  # a pause
    likeness.add(first, parts[1])
    assert 15 < likeness.likest() <= 30
    session = likeness.session()
    assert session.gaps[0][1] == 2000
    assert any(min(m.starts) < 30 and max(m.starts) >= 79 for m in motifs_of(session))


@contextmanager
def starting(folder):
    """Starts it with a page and two players; the process, their ports, and the page's address."""
    pytest.importorskip("aiohttp", reason="the page needs the extra `page`")
    frames = jam(np.random.default_rng(1), 600)
    FamiliarityModel("kmeans", scales=(0.2, 0.5), random_state=0).fit(frames).save(
        folder / "model.npz")
    processes = []

    def start(port=0, names=("ada", "bob")):
        ports = [free_port() for _ in names]
        sources = [word for name, at in zip(names, ports, strict=True)
                   for word in ("--in", f"{name}=fudi-udp://{LOCAL}:{at}")]
        process = subprocess.Popen(
            [sys.executable, "-m", "barkcluster", "live", *sources, "--page", str(port),
             "--model", os.fspath(folder / "model.npz"), "--folder", os.fspath(folder)],
            stderr=subprocess.PIPE, text=True)
        processes.append(process)
        lines = []
        while not lines or not lines[-1].startswith("page: "):
            lines.append(process.stderr.readline())
            assert lines[-1], f"ended: {lines}"
        return process, ports, lines[-1].split()[1]

    try:
        yield start
    finally:
        end(processes)


@pytest.fixture
def live(tmp_path):
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The address of a page and ada's port, for tests that do not ask what was heard before."""
    with starting(tmp_path_factory.mktemp("shared")) as start:
        _, (ada, _), url = start()
        yield url, ada


def send(port, frames):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for frame in frames:
            sender.sendto(to_fudi("bark", frame.tolist()), (LOCAL, port))


def status_at(url, **headers):
    request = urllib.request.Request(url.partition("#")[0], headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def test_strangers_pages_and_names_are_refused(shared):
    url, _ = shared
    host = url.split("/")[2]
    code, text, headers = status_at(url)
    assert code == 200
    assert url.partition("#")[2] not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "http" not in text.replace("http-equiv", "")  # nothing from elsewhere
    assert status_at(url, Host="evil.example")[0] == 403
    assert status_at(url, Origin="http://evil.example")[0] == 403
    assert status_at(url, Origin="null")[0] == 403
    assert status_at(url, Origin=f"http://{host}")[0] == 200
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    at = url.partition("#")[0] + "live"
    assert status_at(at, Origin="http://evil.example", **upgrade)[0] == 403


def test_a_port_that_is_taken_is_said_before_anything_is_heard(shared, capfd):
    port = shared[0].split(":")[2].partition("/")[0]
    assert main(["live", "--in", f"fudi-udp://{LOCAL}:{free_port()}", "--page", port]) == 2
    assert f"--page {port}: " in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter on Windows")
def test_the_page_ends_with_the_program_even_if_that_is_killed(live):
    process, _, url = live(names=("ada",))
    process.send_signal(signal.SIGKILL)
    process.wait()

    def answers():
        try:
            status_at(url)
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    deadline = time.monotonic() + 30
    while answers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers()


@pytest.fixture(scope="module")
def browser():
    missing = webdriver.missing()
    if missing:
        pytest.skip(f"{missing} is not installed")
    with webdriver.browser() as page:
        yield page


def wait_for(browser, script, wanted=True):
    """Until a script returns what is wanted; the test's own limit ends what never does."""
    for _ in range(600):
        answer = browser.run(script)
        if answer == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{script}: {answer}, not {wanted}")


def text_of(selector, player=0):
    return (f"return document.querySelectorAll('.player')[{player}]"
            f"?.querySelector({json.dumps(selector)})?.textContent")


def test_what_is_heard_is_shown_as_it_happens(browser, live, rng):
    _, (ada, bob), url = live()
    browser.open(url)
    wait_for(browser, "return document.querySelectorAll('.player').length", 2)
    wait_for(browser, text_of("h2"), "ada")
    wait_for(browser, text_of(".like", 1), "waiting for frames")
    send(ada, jam(rng, 400))
    wait_for(browser, text_of("[data-fact=received]"), "400")
    value = browser.run(text_of(".value"))
    assert 0 <= float(value) <= 1
    wait_for(browser, text_of("[data-fact=received]", 1), "0")
    send(bob, np.full((1, 24), -40.0))
    wait_for(browser, text_of("[data-fact=rejected]", 1), "1")
    assert "25" in browser.run(text_of(".trouble", 1))
    # Nobody plays any more: what it was last like is no news.
    wait_for(browser, "return " + text_of(".like")[7:] + ".startsWith('no frames for')")
    assert browser.run(text_of(".value")) == "–"
    assert browser.log() == []


def test_it_fits_a_phone_and_the_dark(browser, shared, rng):
    url, ada = shared
    browser.open(url)
    send(ada, jam(rng, 300))
    wait_for(browser, text_of("[data-fact=received]"), "300")
    for width, least in ((390, 100), (1200, 180)):  # to be read from three meters
        browser.size(width, 900)
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
            assert browser.run("return parseFloat(getComputedStyle("
                               "document.querySelector('.value')).fontSize)") >= least
            assert browser.run(
                "const v = document.querySelector('.value'), r = document.createRange();"
                "r.selectNodeContents(v); return r.getBoundingClientRect().right < "
                "v.closest('section').getBoundingClientRect().right")
            ink = browser.run("return getComputedStyle(document.body).color")
            assert (min(map(int, re.findall(r"\d+", ink))) > 128) == (scheme == "dark")
            wait_for(browser, """const c = document.querySelector("canvas");
                const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                return new Set(new Uint32Array(d.buffer)).size > 10""")


def test_buttons_need_the_token(browser, live, rng, tmp_path):
    _, (ada, _), url = live()
    address, _, token = url.partition("#")
    browser.open(address + "#wrong")
    send(ada, jam(rng, 300))
    wait_for(browser, text_of("[data-fact=received]"), "300")
    press = "document.querySelector('button[data-word=%s]').click()"
    browser.run(press % "pause")
    wait_for(browser, "return document.getElementById('unlock').hidden", False)
    assert browser.run(text_of("[data-fact=state]")) != "paused"
    browser.run("document.getElementById('token').value = arguments[0];"
                "document.querySelector('#unlock button').click()", token)
    browser.run(press % "pause")
    wait_for(browser, text_of("[data-fact=state]"), "paused")
    browser.run("document.querySelector('button[data-word=\"go on\"]').click()")
    wait_for(browser, text_of(".word"), "goes on")
    browser.run(press % "save")
    wait_for(browser, "return " + text_of(".word")[7:] + ".endsWith('done')")
    (saved,) = tmp_path.glob("ada-*.npz")
    assert load_model(saved).scales_ == pytest.approx([0.2, 0.5])
    browser.run(press % "reset")  # asks first
    assert browser.run(text_of("[data-word=reset]")) == "Forget all: sure?"
    browser.run(press % "reset")
    wait_for(browser, text_of(".word"), "began anew")
    wait_for(browser, text_of("[data-fact=heard]"), "0:00")
    wait_for(browser, "return players.get('0').data.times.length", 0)


def test_a_reload_loses_nothing_and_a_restart_is_noticed(browser, live, rng):
    process, (ada, _), url = live()
    browser.open(url)
    send(ada, jam(rng, 400))
    wait_for(browser, text_of("[data-fact=received]"), "400")
    wait_for(browser, "return players.get('0').data.times.length > 30")
    shown = browser.run("return players.get('0').data.times")
    browser.run("location.reload()")
    wait_for(browser, "return players.get('0')?.data.times.length ?? 0", len(shown))
    assert browser.run("return players.get('0').data.times") == shown
    process.terminate()
    process.communicate(timeout=60)
    wait_for(browser, "return link.dataset.state", "lost")
    live(port=int(url.split(":")[2].partition("/")[0]))
    wait_for(browser, "return link.dataset.state", "there")
    wait_for(browser, text_of("[data-fact=received]"), "0")
    assert browser.run("return players.get('0').data.times.length") == 0


def test_a_page_that_is_open_for_two_hours_does_not_grow(browser, shared):
    browser.open(shared[0])
    wait_for(browser, "return document.querySelectorAll('.player').length", 2)
    browser.run("""for (let i = 0; i < 7200; i++) receive({ players: { 0: { rows:
        Array.from({ length: 10 }, (_, j) => [i + j / 10, 0.5, 0.4, null]) } } });""")
    assert browser.run("return players.get('0').data.times.length") == MOST_ROWS
    assert browser.run("return players.get('0').data.by_scale[1].length") == MOST_ROWS
    assert browser.run("return players.get('0').data.times.at(-1)") == pytest.approx(7199.9)


def test_an_address_that_was_cut_short_shows_the_page(browser, shared):
    browser.open(shared[0].partition("#")[0] + "#half%E0%A4")  # no text: the script ended here
    wait_for(browser, "return link.dataset.state", "there")
    wait_for(browser, "return document.querySelectorAll('.player').length", 2)
    assert browser.run("return document.querySelector('.player').textContent.includes('ada')")


def test_a_page_that_ended_is_said_once(tmp_path):
    pytest.importorskip("aiohttp", reason="the page needs the extra `page`")
    feed = PageFeed([], LOCAL, 0, tmp_path)
    try:
        feed._process.kill()
        feed._process.wait()
        feed._threads[1].join(30)
        assert feed.tick() == ["the page's process ended; all else goes on"]
        assert feed.tick() == []
    finally:
        feed.close()
