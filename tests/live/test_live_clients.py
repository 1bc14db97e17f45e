"""The client examples of docs/clients; Pure Data's is in test_live_pd.py."""

import ast
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, write_session
from barkcluster.frames import BARK_EDGES_HZ
from barkcluster.live.addresses import Address
from barkcluster.live.loop import Live, Source
from barkcluster.live.messages import COMMANDS
from barkcluster.live.player import Player
from barkcluster.live.sinks import open_sink
from barkcluster.retraining import RetrainingStream
from barkcluster.tempo import TempoTracker
from tests.players import LOCAL, free_port

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"


@pytest.mark.slow
def test_python_client_plays_and_prints(rng, tmp_path):
    heard = rng.normal(-40, 10, size=(300, 25)).astype(np.float32)
    model = FamiliarityModel("kmeans", scales=(0.1, 0.2), random_state=0).fit(heard)
    session = Session(heard[:60])
    write_session(session, tmp_path / "jam.txt")
    port, back = free_port(), free_port()
    player = Player("", RetrainingStream(model, learn_in="thread"), TempoTracker(), tmp_path)
    sink = open_sink(Address("udp-text", LOCAL, back))
    live = Live([Source(Address("udp-text", LOCAL, port), player)], [sink])
    with subprocess.Popen(
            [sys.executable, os.fspath(CLIENTS / "python" / "client.py"), "jam.txt",
             "--to", str(port), "--back", str(back), "--frame-rate", "50"],
            cwd=tmp_path, stdout=subprocess.PIPE, text=True) as client:
        try:
            deadline = time.monotonic() + 60
            # On a busy machine its last frames are heard after it ended.
            live.run(until=lambda: time.monotonic() > deadline or (
                client.poll() is not None and player.n_received == 60))
        finally:
            live.close()
            player.close()
            sink.close()
            client.kill()
        printed = client.stdout.read().split()
    assert player.n_received == 60
    told = [float(word) for before, word in zip(printed, printed[1:], strict=False)
            if before == "familiarity"]
    expected = model.timeline(session).familiarity
    # Readings of the last frames may come after it ended.
    np.testing.assert_allclose(told, expected[:len(told)], rtol=1e-6)
    assert len(told) >= len(expected) - 1


def test_max_patch_is_in_order():
    patch = json.loads((CLIENTS / "max" / "barkcluster.maxpat").read_text("utf-8"))["patcher"]
    boxes = {box["box"]["id"]: box["box"] for box in patch["boxes"]}
    assert len(boxes) == len(patch["boxes"])
    for line in patch["lines"]:
        (source, outlet), (target, inlet) = (line["patchline"][end]
                                             for end in ("source", "destination"))
        assert outlet < boxes[source]["numoutlets"]
        assert inlet < boxes[target]["numinlets"]
    texts = [box.get("text", "") for box in boxes.values()]
    assert "udpsend 127.0.0.1 7400" in texts
    assert "udpreceive 7401" in texts
    messages = [box["text"] for box in boxes.values() if box["maxclass"] == "message"]
    assert {message.split()[0].strip("/") for message in messages} <= set(COMMANDS)


def test_pd_patch_is_in_order():
    entries = (CLIENTS / "pd" / "barkcluster.pd").read_text("utf-8").split(";\n")[1:-1]
    objects = [entry for entry in entries if not entry.startswith("#X connect")]
    for entry in entries[len(objects):]:
        source, _, target, _ = map(int, entry.split()[2:])
        assert max(source, target) < len(objects)
        assert not objects[target].startswith("#X text")


def test_supercollider_has_the_bands_of_frames():
    text = (CLIENTS / "supercollider" / "barkcluster.scd").read_text("utf-8")
    edges = [float(edge) for edge in re.search(r"edges = #\[([^]]*)\]", text)[1].split(",")]
    np.testing.assert_array_equal(edges, BARK_EDGES_HZ)
    for opening, closing in ("()", "{}", "[]"):
        assert text.count(opening) == text.count(closing)


def test_touchdesigner_script_sends_25_levels():
    text = (CLIENTS / "touchdesigner" / "barkcluster_execute.py").read_text("utf-8")
    sent = []

    class Operator:
        def chans(self):
            return [type("Channel", (), {"eval": lambda self, i=i: float(i)})()
                    for i in range(30)]

        def sendOSC(self, address, values):
            sent.append((address, values))

    names = {"op": lambda name: Operator()}
    exec(compile(ast.parse(text), "barkcluster_execute.py", "exec"), names)
    names["onFrameStart"](1)
    names["tell"]("pause", 1)
    assert sent == [("/bark", [float(i) for i in range(25)]), ("/pause", [1])]


@pytest.mark.parametrize("path", sorted(p for p in CLIENTS.rglob("*") if p.is_file()),
                         ids=lambda path: path.name)
def test_clients_talk_to_this_machine_alone(path):
    hosts = re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", path.read_text("utf-8"))
    assert set(hosts) <= {"127.0.0.1"}  # a page names none: it talks to where it came from
