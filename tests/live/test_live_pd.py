"""Pure Data itself, with the patch of docs/clients/pd: frames from it, familiarity to it.

The patch's test signal lowers one band each tick: what arrives can be told apart frame by frame.
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from barkcluster import FamiliarityModel
from barkcluster.live.addresses import Address, is_live
from barkcluster.live.loop import Live, Source
from barkcluster.live.player import Player
from barkcluster.live.sinks import open_sink
from barkcluster.retraining import RetrainingStream
from barkcluster.tempo import TempoTracker
from tests.players import LOCAL, free_port

pytestmark = pytest.mark.skipif(shutil.which("pd") is None,
                                reason="Pure Data is not installed (Debian: puredata-core)")

PATCHES = Path(__file__).parents[2] / "docs" / "clients" / "pd"
N_FRAMES = 60
# The clients' patch as an object, and what it passes on printed.
PATCH = """\
#N canvas 0 0 400 300 12;
#X obj 10 10 barkcluster;
#X obj 10 40 r familiarity;
#X obj 10 70 print familiarity;
#X connect 1 0 2 0;
"""


def sent_by_the_patch():
    """Frames as the patch makes them: tick n puts -30 - n % 40 into band n % 25."""
    levels = np.zeros(25)
    frames = []
    for n in range(N_FRAMES):
        levels[n % 25] = -30 - n % 40
        frames.append(levels.copy())
    return np.array(frames)


class Listening(Player):
    """A player that remembers what it hears."""

    heard = ()

    def hear(self, levels, arrived, now):
        self.heard = (*self.heard, levels)
        return super().hear(levels, arrived, now)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["osc", "fudi-udp", "fudi-tcp", "file"])
def test_pure_data_plays_and_is_told(rng, tmp_path, kind):
    heard = rng.normal(-40, 10, size=(300, 25))
    model = FamiliarityModel("kmeans", scales=(0.1, 0.2), random_state=0).fit(heard)
    session = tmp_path / "session.txt"
    if kind == "file":
        address, start = Address("file", path=str(session)), f"textfile symbol {session}"
    else:
        port = free_port(socket.SOCK_STREAM if kind == "fudi-tcp" else socket.SOCK_DGRAM)
        path = "/bark" if kind == "osc" else ""
        address, start = Address(kind, LOCAL, port, path), f"{kind} {port}"
    back = free_port(socket.SOCK_DGRAM)
    player = Listening("", RetrainingStream(model, learn_in="thread"), TempoTracker(), tmp_path,
                       live=is_live(address))
    sink = open_sink(Address("osc", LOCAL, back))
    live = Live([Source(address, player)], [sink])
    patch = tmp_path / "test.pd"
    patch.write_text(PATCH)
    printed = tmp_path / "printed.txt"
    with printed.open("wb") as errors:
        pd = subprocess.Popen(
            ["pd", "-nogui", "-nosound", "-nomidi", "-path", PATCHES, "-open", patch,
             "-send", f"listen {back}", "-send", start, "-send", f"go {N_FRAMES}"],
            stderr=errors, stdout=errors)
        try:
            deadline = time.monotonic() + 60
            # 50 ms after the first window of 0.1 s it answers each 0.1 s: at 10, 20, ... 60.
            live.run(until=lambda: time.monotonic() > deadline or (
                len(player.heard) >= N_FRAMES
                and printed.read_text().count("familiarity:") >= N_FRAMES // 10))
        finally:
            live.close()
            pd.kill()
            pd.wait()
            player.close()
            sink.close()
    np.testing.assert_array_equal(player.heard, sent_by_the_patch())
    assert player.n_rejected == 0
    told = [float(line.split()[-1]) for line in printed.read_text().splitlines()
            if line.startswith("familiarity:")]
    # Pd prints six digits.
    np.testing.assert_allclose(told, model.timeline(sent_by_the_patch()).familiarity, rtol=1e-4,
                               atol=1e-30)
