"""Files that another program appends to, cuts short, moves away or deletes."""

import os
import sys

import pytest

from barkcluster.live.growing_file import GrowingFile

posix = pytest.mark.skipif(sys.platform == "win32",
                           reason="open files cannot be moved away on Windows")


def test_reads_what_is_appended(tmp_path):
    path = tmp_path / "jam.txt"
    growing = GrowingFile(path)
    assert growing.read() == (b"", False)
    with path.open("ab") as file:
        for piece in (b"-40 -5", b"0\n", b"-41 -51\n"):
            file.write(piece)
            file.flush()
            assert growing.read() == (piece, False)
            assert growing.read() == (b"", False)
    growing.close()


def test_a_long_file_comes_in_pieces(tmp_path):
    path = tmp_path / "jam.txt"
    data = os.urandom(200_000)
    path.write_bytes(data)
    growing = GrowingFile(path)
    pieces = [growing.read()[0] for _ in range(5)]
    growing.close()
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) == 1 << 16


def test_cut_short_begins_anew(tmp_path):
    path = tmp_path / "jam.txt"
    path.write_bytes(b"-40 -50\n-41 -5")
    growing = GrowingFile(path)
    growing.read()
    path.write_bytes(b"")
    assert growing.read() == (b"", False)
    with path.open("ab") as file:
        file.write(b"-42 -52\n")
    assert growing.read() == (b"-42 -52\n", True)
    growing.close()


@posix
def test_moved_away_is_read_to_its_end_first(tmp_path):
    path = tmp_path / "jam.txt"
    path.write_bytes(b"one\n")
    growing = GrowingFile(path)
    assert growing.read() == (b"one\n", False)
    with path.open("ab") as file:
        file.write(b"two\n")
    path.rename(tmp_path / "jam.txt.1")
    assert growing.read() == (b"two\n", False)
    assert growing.read() == (b"", False)
    path.write_bytes(b"three\n")
    assert growing.read() == (b"three\n", True)
    assert growing.read() == (b"", False)
    growing.close()


@posix
def test_deleted_and_written_again(tmp_path):
    path = tmp_path / "jam.txt"
    path.write_bytes(b"one\n")
    growing = GrowingFile(path)
    growing.read()
    path.unlink()
    assert growing.read() == (b"", False)
    path.write_bytes(b"other\n")
    assert growing.read() == (b"other\n", True)
    growing.close()


def test_a_folder_is_nothing_to_read(tmp_path):
    assert GrowingFile(tmp_path).read() == (b"", False)
