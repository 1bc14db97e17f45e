"""What is opened for a performance, and what it asks of its process."""

import os
import signal
import sys
import threading

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session
from barkcluster.live.addresses import parse_source
from barkcluster.live.process import settle_in, stop_on_interrupt, stop_on_sigterm
from barkcluster.live.stage import open_source

SETTINGS = {"n_bands": 25, "learning": True, "every": 30.0, "minutes": 30.0, "keep": "newest",
            "gather": None, "folder": None}


def open_one(name="", session=None, **changed):
    model = FamiliarityModel(scales=(0.5,), frame_rate=100.0)
    return open_source(parse_source("file:jam.txt"), name, model, session,
                       **{**SETTINGS, **changed})


def test_a_player_with_a_name_gathers_into_a_file_with_that_name(tmp_path):
    for name, expected in (("", "jam.txt"), ("alice", "jam-alice.txt")):
        source = open_one(name, gather=tmp_path / "jam.txt")
        source.player.stream.push(np.full(25, -40.0))
        source.player.close()
        assert (tmp_path / expected).exists()


def test_a_player_that_does_not_learn_is_paused():
    for learning in (True, False):
        source = open_one(learning=learning)
        assert source.player.stream.paused is not learning
        source.player.close()


@pytest.mark.parametrize("session", [Session(np.full((100, 25), -40.0), 50.0),
                                     Session(np.full((100, 24), -40.0), 100.0, n_bands=24)],
                         ids=["rate", "bands"])
def test_a_session_that_the_model_cannot_hear_is_named(session):
    with pytest.raises(ValueError, match=r"^jam\.txt: .*(50|24)"):
        open_one(session=session)


def test_sigterm_is_an_event():
    before = signal.getsignal(signal.SIGTERM)
    try:
        stopped = stop_on_sigterm()
        assert not stopped.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.wait(5.0)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_threads_wait_less_for_each_other():
    before = sys.getswitchinterval()
    try:
        settle_in()
        assert sys.getswitchinterval() < before
    finally:
        sys.setswitchinterval(before)


def test_ctrl_c_ends_it_between_two_frames_and_a_second_one_at_once():
    # It ended wherever it came, and what waited to be heard was never gathered.
    stopped = threading.Event()
    # Whoever started the tests may have them ignore it, as shells do in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), stop_on_interrupt(stopped):
            signal.raise_signal(signal.SIGINT)
            assert stopped.is_set()
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_stays_ignored_where_it_is():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_on_interrupt(threading.Event()):
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
