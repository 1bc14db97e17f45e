"""Lines at the bottom of a terminal, and a terminal that does not read."""

import io
import os
import sys
import threading

import pytest

from barkcluster.display.progress import progress
from barkcluster.display.terminal import Style, printable, table
from barkcluster.display.terminal_lines import TerminalLines, cut, erasing, width_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")


@pytest.fixture
def terminal():
    """A pseudo-terminal of 10 rows, 40 columns: its end to read from, a file to write to."""
    import pty

    reading, writing = pty.openpty()
    resize(writing, 40)
    with open(writing, "w", encoding="utf-8") as file:
        yield reading, file
    os.close(reading)


def resize(descriptor, columns):
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 10, columns, 0, 0))


def read_until(reading, end):
    text = b""
    while not text.endswith(end):
        text += os.read(reading, 1000)
    return text.decode().replace("\r\n", "\n")


@posix
def test_lines_are_drawn_over_those_before(terminal):
    reading, file = terminal
    lines = TerminalLines(file)
    lines.show(["one", "two"])
    assert read_until(reading, b"two") == "one\ntwo"
    lines.say("listening")
    assert read_until(reading, b"two") == "\r\x1b[1A\x1b[Jlistening\none\ntwo"
    lines.keep()
    lines.say("the end")
    lines.close()
    assert read_until(reading, b"end\r\n").endswith("one\ntwo\nthe end\n")


@posix
def test_no_line_is_longer_than_the_terminal_and_none_too_many(terminal):
    reading, file = terminal
    lines = TerminalLines(file)
    lines.show(["x" * 100] + ["y"] * 20)
    drawn = read_until(reading, b"y\r\n" * 7 + b"y").split("\n")
    assert drawn == ["x" * 39] + ["y"] * 8
    lines.close()


@posix
def test_what_was_drawn_wider_is_taken_away_whole(terminal):
    reading, file = terminal
    lines = TerminalLines(file)
    lines.show(["x" * 39, "y"])
    read_until(reading, b"y")
    resize(file.fileno(), 20)
    lines.show(["z"])
    assert read_until(reading, b"z") == "\r\x1b[2A\x1b[Jz"
    lines.close()


@pytest.mark.slow
@posix
def test_a_terminal_that_does_not_read_keeps_nobody_waiting(terminal):
    reading, file = terminal
    lines = TerminalLines(file)
    lines.say("x" * 1_000_000)  # many times what the system keeps for it
    for i in range(1000):
        lines.show([f"{i} " * 10] * 8)
    lines.say("the end")
    lines.close()
    assert lines._thread.is_alive()  # left behind
    reader = threading.Thread(target=read_until, args=(reading, b"999\r\n"))
    reader.start()
    lines._thread.join()
    reader.join()


def test_rows_of_lines():
    assert erasing([], 80) == ""
    assert erasing(["", "", ""], 80) == "\r\x1b[2A\x1b[J"
    assert erasing(["a" * 80], 40) == "\r\x1b[1A\x1b[J"
    assert width_of("e\u0301録") == 3
    assert cut("録音", 3) == "録"


def test_names_of_strangers_are_shown_and_not_obeyed():
    name = "\x1b[2Jjam\x07\r\n\u202e\u2028\udcff\x9b.txt"
    shown = printable(name)
    assert shown.isprintable()
    assert shown == r"\x1b[2Jjam\x07\r\n\u202e\u2028\udcff\x9b.txt"
    assert printable("à côté\u00a0録音") == "à côté\u00a0録音"
    assert "\x1b" not in table(["name"], [[name]], Style(color=False, blocks=True))


@pytest.mark.parametrize("has_rich", [True, False])
def test_names_are_shown_as_steps_and_not_obeyed(monkeypatch, has_rich):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    if has_rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich.progress", None)
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with progress(1) as step:
        step("reading [/x]\x1b[2J\x07.txt")
    assert r"reading [/x]\x1b[2J\x07.txt" in shown.getvalue()
    assert "\x07" not in shown.getvalue()
