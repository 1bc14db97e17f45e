"""Bytes from other programs: whatever they are, frames, commands or counted rejections.

    python tests/fuzz/fuzz_network.py -max_total_time=60

Needs atheris and python-osc. The first byte of an input chooses what it is taken for, the second
the size of the pieces that a stream arrives in.
"""

import struct
import sys
import tempfile
import warnings
from pathlib import Path

# Datagrams, then streams.
KINDS = ("osc", "fudi-udp", "udp-text", "fudi-tcp", "file")


def bundle(*parts: bytes) -> bytes:
    return b"#bundle\x00" + b"\x00" * 7 + b"\x01" + b"".join(
        struct.pack(">i", len(part)) + part for part in parts)


FRAME = b"/bark\x00\x00\x00," + b"f" * 25 + b"\x00\x00" + struct.pack(">25f", *range(25))
SINGLES = [b"/b/%02d\x00\x00,f\x00\x00" % i + struct.pack(">f", -i) for i in range(25)]
NUMBERS = b" ".join(b"-%d.5" % i for i in range(25))
SEEDS = [
    FRAME, bundle(FRAME), bundle(bundle(FRAME), b"/retrain\x00\x00\x00\x00,\x00\x00\x00"),
    bundle(*SINGLES), b"/pause\x00\x00,i\x00\x00\x00\x00\x00\x01",
    b"/save\x00\x00\x00,s\x00\x00jam.npz\x00", b"#bundle\x00" + b"\x00" * 8 + b"\xff\xff\xff\xfc",
    b"bark " + NUMBERS + b";\n", b"list " + NUMBERS + b"; pause 1;\nodd\\;word\\ 3;",
    NUMBERS + b"\nretrain\nsave jam.npz\n" + NUMBERS + b"\r\n1 2 3\n",
    b"# frame_rate: 50\n0 " + NUMBERS + b"\n0.02 " + NUMBERS + b"\n",
]


def fuzz_one(data: bytes) -> None:
    """Raise if one input breaks a promise of the decoders."""
    from barkcluster.live.decoding import decoder_of
    from barkcluster.live.messages import COMMANDS, Command, Frame, Missing

    if len(data) < 2:
        return
    kind = KINDS[data[0] % len(KINDS)]
    units = ("db", "linear")[data[0] // len(KINDS) % 2]
    piece, content = 1 + data[1], data[2:]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = decoder_of(kind, units)
        arrivals = together.feed(content)
        for arrival in arrivals:
            if isinstance(arrival, Frame):
                assert len(arrival.levels) == 25
                assert all(isinstance(level, float) for level in arrival.levels)
            elif not isinstance(arrival, Missing):
                assert isinstance(arrival, Command) and arrival.name in COMMANDS
        assert (together.last_error is None) == (together.n_rejected == 0)
        if kind in KINDS[:3]:  # a datagram is whole
            assert kind != "osc" or together.n_rejected == 0 or not arrivals
            if kind == "fudi-udp":  # and the next one has nothing to do with it
                assert repr(together.feed(content)) == repr(arrivals)
            return
        apart = decoder_of(kind, units)
        fed = [arrival for i in range(0, len(content), piece)
               for arrival in apart.feed(content[i:i + piece])]
    # As text, in which nan equals nan.
    assert repr(fed) == repr(arrivals)
    assert apart.n_rejected == together.n_rejected


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["barkcluster", "pythonosc"]):
        import pythonosc.osc_message  # noqa: F401

        import barkcluster.live.decoding  # noqa: F401
    with tempfile.TemporaryDirectory() as seeds:
        for i, content in enumerate(SEEDS):
            for choice in range(len(KINDS)):
                (Path(seeds) / f"{i}-{choice}").write_bytes(bytes([choice, 2]) + content)
        atheris.Setup([*sys.argv, seeds], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
