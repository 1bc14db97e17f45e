"""Text of a TouchDesigner Execute DAT: sends 25 levels to barkcluster live each frame.

    barkcluster live --frame-rate 60 --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401

In the network: a CHOP named ``levels`` with 25 channels in dB, lowest band first; an OSC Out DAT
named ``oscout1`` (127.0.0.1, port 7400); an OSC In CHOP (port 7401), whose channels are
``familiarity``, ``novelty`` and so on. Turn on *Frame Start* of this DAT. Frames come at the rate
of the timeline: say it with --frame-rate.
"""


operator = op  # noqa: F821  (is there inside TouchDesigner)


def onFrameStart(frame):
    """Send one message of 25 numbers."""
    levels = [channel.eval() for channel in operator("levels").chans()[:25]]
    operator("oscout1").sendOSC("/bark", levels)


def tell(word, *arguments):
    """Tell barkcluster something: tell("retrain"), tell("save", "jam.npz"), tell("pause", 1)."""
    operator("oscout1").sendOSC(f"/{word}", list(arguments))
