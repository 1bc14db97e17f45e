"""barkcluster live as a process of its own, where something goes wrong around it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from barkcluster import FamiliarityModel, load_model, read_session, write_session
from barkcluster.cli import main
from barkcluster.frames.session import Session
from tests.players import LOCAL, end, free_port

# Each starts programs of its own.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and pseudo-terminals")]

LIVE = [sys.executable, "-m", "barkcluster", "live"]


def jam(rng, n_frames):
    return rng.normal(-50, 6, size=(n_frames, 25)).astype(np.float32)


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def start():
    processes = []

    def start(*arguments, **options):
        options = {"stderr": subprocess.PIPE, **options}
        process = subprocess.Popen([*LIVE, *map(os.fspath, arguments)], **options)
        processes.append(process)
        return process

    yield start
    end(processes)


def send(port, frames):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for frame in frames:
            sender.sendto(" ".join(f"{v:.9g}" for v in frame.tolist()).encode(), (LOCAL, port))


def wait_for_lines(path, n):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") >= n:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} has no {n} lines")


def test_a_terminal_that_does_not_read_stops_nothing(rng, start, port, tmp_path):
    import pty

    reading, writing = pty.openpty()
    gathered = tmp_path / "jam.txt"
    process = start("--in", f"udp-text://{LOCAL}:{port}", "--gather", gathered, stderr=writing)
    os.close(writing)
    try:
        said = b""
        while b"listening on" not in said:
            said += os.read(reading, 1000)
        # From here on nobody reads; each picture is another one, and there are many.
        heard = jam(rng, 480)      # at 5 s it would learn
        for part in np.split(heard, 8):
            send(port, part)
            send(port, jam(rng, 1)[:, :7])
            time.sleep(0.15)
        wait_for_lines(gathered, 400)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        os.close(reading)
    np.testing.assert_array_equal(read_session(gathered).frames, heard)


def test_frames_sent_as_soon_as_it_listens_are_all_heard(rng, start, port, tmp_path):
    # Ports are open long before anything is there that could hear.
    gathered = tmp_path / "jam.txt"
    heard = jam(rng, 300)
    process = start("--in", f"udp-text://{LOCAL}:{port}", "--gather", gathered)
    assert b"listening on" in process.stderr.readline()
    send(port, heard)
    wait_for_lines(gathered, 300)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert b"300 frames received, 0 rejected" in said
    np.testing.assert_array_equal(read_session(gathered).frames, heard)


def test_asked_to_end_before_it_could_hear_it_ends_well(start, port):
    process = start("--in", f"udp-text://{LOCAL}:{port}")
    assert b"listening on" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, b"0 frames received" in said) == (0, True)


def test_ports_are_open_before_what_learns_is_imported(port):
    # Seconds of imports, in which a program that starts at the same time would find no port.
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n"
         "from barkcluster.live import receiving\n"
         "def opened(self, places): raise OSError('numpy' in sys.modules)\n"
         "receiving.Receiver.__init__ = opened\n"
         "from barkcluster.cli import main\n"
         f"main(['live', '--in', 'udp-text://{LOCAL}:{port}'])"], capture_output=True, timeout=60)
    assert done.stderr.strip() == b"barkcluster: False"


def test_two_programs_that_gather_into_one_file(rng, start, port, tmp_path, capsys):
    gathered = tmp_path / "jam.txt"
    first = start("--in", f"udp-text://{LOCAL}:{port}", "--gather", gathered)
    assert b"listening on" in first.stderr.readline()
    heard = jam(rng, 100)
    send(port, heard)
    wait_for_lines(gathered, 100)
    before = gathered.read_bytes()
    # The same command once more finds its port taken; with another port, its file.
    for other, message in ((port, "Address already in use"),
                           (free_port(), "jam.txt is being written to by another program")):
        assert main(["live", "--in", f"udp-text://{LOCAL}:{other}", "--gather",
                     str(gathered)]) == 2
        assert message in capsys.readouterr().err
    assert gathered.read_bytes() == before
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    np.testing.assert_array_equal(read_session(gathered).frames, heard)


def test_nothing_is_written_where_a_port_is_taken(tmp_path, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOCAL, 0))
        source = f"udp-text://{LOCAL}:{other.getsockname()[1]}"
        assert main(["live", "--in", source, "--gather", str(tmp_path / "jam.txt"),
                     "--out", f"file:{tmp_path / 'out.txt'}"]) == 2
    assert "Address already in use" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_full_disk_at_the_end_is_said_and_no_success(rng, start, port, tmp_path):
    import resource

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    gathered = tmp_path / "jam.txt"
    process = start("--in", f"udp-text://{LOCAL}:{port}", "--gather", gathered,
                    preexec_fn=little_room)
    assert b"listening on" in process.stderr.readline()
    heard = jam(rng, 480)      # at 5 s it would learn
    send(port, heard[:100])
    wait_for_lines(gathered, 50)  # from here on frames are heard as they come
    for part in np.split(heard[100:], 4):
        send(port, part)
        time.sleep(0.05)
    wait_for_lines(gathered, 250)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    kept = read_session(gathered).frames
    np.testing.assert_array_equal(kept, heard[:len(kept)])
    n_received = int(re.search(rb"(\d+) frames received", said)[1])
    assert f"{n_received - len(kept)} frames could not be written and are lost: ".encode() in said
    assert b"File too large" in said


@pytest.fixture
def play(rng, tmp_path, capfd):
    """Run it here until it ends, with a model that stays as it is; its code and what it said."""
    model = tmp_path / "model.npz"
    FamiliarityModel("kmeans", scales=(0.2,)).fit(jam(rng, 300)).save(model)

    def play(*arguments):
        code = main(["live", *arguments, "--model", str(model), "--no-learning"])
        return code, capfd.readouterr().err

    return play


def test_a_file_that_is_not_there_yet_is_said(play, tmp_path):
    _, said = play("--in", f"file:{tmp_path / 'typo.txt'}", "--seconds", "0.3")
    assert f"listening on file:{tmp_path / 'typo.txt'} (not there yet)" in said


def test_a_sound_file_is_played_in_time(tmp_path, play):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "jam.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 22050), 44100)
    begun = time.monotonic()
    code, said = play("--in", f"file:{path}")
    assert code == 0
    assert f"listening on file:{path}\n" in said
    assert re.search(r"4\d frames received, 0 rejected", said)
    assert time.monotonic() - begun > 0.4


def test_pace_plays_a_finished_session(rng, tmp_path, play):
    path = tmp_path / "jam.txt"
    write_session(Session(jam(rng, 50)), path)
    code, said = play("--in", f"file:{path}", "--pace")
    assert code == 0
    assert "50 frames received, 0 rejected" in said


@pytest.mark.parametrize("arguments, message", [
    (["--in", "osc://127.0.0.1:7400", "--pace"], "--pace needs a file"),
    (["--in", "file:{0}/jam.txt", "--gather", "{0}/jam.txt"], "is the file of --in"),
    # It was called play:jam.wav, which is no source.
    (["--in", "file:{0}/jam.wav", "--out", "file:{0}/jam.wav"],
     "jam.wav is the file of --in file:"),
    (["--in", "-", "--out", "file:{0}/x/../jam.txt", "--gather", "{0}/jam.txt"],
     "is the file of --out"),
])
def test_options_that_do_not_go_together(tmp_path, capsys, arguments, message):
    assert main(["live", *(argument.format(tmp_path) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_session_at_another_rate_is_not_played(rng, tmp_path, capsys):
    path = tmp_path / "jam.txt"
    write_session(Session(jam(rng, 50), frame_rate=50.0), path)
    FamiliarityModel("kmeans", scales=(0.2,)).fit(jam(rng, 300)).save(tmp_path / "jam.npz")
    assert main(["live", "--in", f"file:{path}", "--pace", "--model",
                 str(tmp_path / "jam.npz")]) == 2
    assert "must come at 100 a second, as in the fit; got 50" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.* too short for scales")
@pytest.mark.parametrize("command", [["score"], ["rank"], ["identify"], ["tempo"]])
def test_names_of_files_are_shown_and_not_obeyed(rng, tmp_path, capsys, command):
    folder = tmp_path / "all"
    folder.mkdir()
    evil = folder / "a\x1b[2J\nb.txt"
    for path in (evil, folder / "c.txt"):
        write_session(Session(jam(rng, 1000)), path)
    arguments = {"score": [evil, evil], "rank": [evil, folder], "identify": [evil, folder],
                 "tempo": [evil]}[command[0]]
    assert main([*command, *map(str, arguments)]) == 0
    shown = capsys.readouterr()
    assert r"a\x1b[2J\nb" in shown.out
    assert "\x1b" not in shown.out + shown.err
    assert main([*command, *map(str, [folder / "no\x1b[2Jne.txt", *arguments[1:]])]) == 2
    assert r"no\x1b[2Jne.txt" in capsys.readouterr().err


def test_a_learned_model_is_saved_after_the_music_stopped(rng, start, port, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((LOCAL, 0))
        listener.settimeout(60)
        back = f"udp-text://{LOCAL}:{listener.getsockname()[1]}"
        process = start("--in", f"udp-text://{LOCAL}:{port}", "--out", back, "--scales", "0.2,0.5",
                        "--allow-save", "--folder", tmp_path)
        assert b"listening on" in process.stderr.readline()
        send(port, jam(rng, 600))
        while True:
            words = listener.recv(65535).split()
            if words[0] == b"status" and words[1] != b"learning" and float(words[6]) >= 0:
                break
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"save jam.npz", (LOCAL, port))
    deadline = time.monotonic() + 30
    while not (tmp_path / "jam.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert load_model(tmp_path / "jam.npz").duration_ >= 5.0
