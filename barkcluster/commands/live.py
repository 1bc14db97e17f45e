"""Hears other programs play, and tells them how familiar it is."""

from __future__ import annotations

import argparse
import math
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import barkcluster
from barkcluster.display.terminal import printable
from barkcluster.files.suffixes import is_audio

from ._live_checks import (
    check_apart,
    check_columns,
    check_demo,
    check_files,
    check_fits,
    check_model,
)
from ._options import (
    N_BANDS,
    add_learning,
    background_of,
    check_bands,
    make_model,
    positive,
    read,
)

if TYPE_CHECKING:
    from barkcluster.display.terminal_lines import TerminalLines
    from barkcluster.live.addresses import Address
    from barkcluster.live.demonstration import Demonstration
    from barkcluster.live.loop import Live, Source
    from barkcluster.live.page.feed import PageFeed
    from barkcluster.live.player import Player
    from barkcluster.live.receiving import Receiver

_DESCRIPTION = """\
Listens to another program, a microphone or a file, learns what it hears, and says ten times a
second how familiar that is: 1 is well known, 0 was never heard. It starts from nothing, so the
first answers come after some seconds. Ctrl-C ends it.

where frames come from (--in), and where answers go (--out):
  osc://127.0.0.1:7400/bark     Max, SuperCollider, TouchDesigner, Pd: 25 numbers a message
  fudi-udp://127.0.0.1:7400     Pure Data: bark f f f ...;
  fudi-tcp://127.0.0.1:7400     the same over a connection
  udp-text://127.0.0.1:7400     lines of text
  file:session.txt              a file that another program appends to (--out: is appended to)
  file:jam.wav                  --in only: a sound file, played in time
  latest:now.txt                --out only: a file that always holds the newest line alone
  mic                           --in only: the microphone
  -                             standard input and output
Each --in is a player with a memory of its own. With several, name them: --in alice=osc://...

answers sent to --out: /familiarity f, /familiarity/scales f f ... (-1: not known yet), /novelty f,
/tempo bpm confidence, and each second /status. Messages understood at any --in: retrain, reset,
pause 0|1 and, with --allow-save, save NAME.npz, load NAME.npz.
"""
_EPILOG = """\
examples:
  barkcluster live --demo --page
  barkcluster live --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401 --page
  barkcluster live --in fudi-udp://127.0.0.1:3000 --out fudi-udp://127.0.0.1:3001 --gather jam.txt
  barkcluster live --in file:session.txt --out -
  barkcluster live --wekinator
"""
# The page's port, next to those of the examples.
_PAGE_PORT = 7470
_DEMO = "the built-in jam"
_NOTHING_ASKED = 2
_WHAT_NEXT = """\
barkcluster live hears frames from a program, a microphone or a file. Copy one of these:

  barkcluster live --demo --page
      nothing else needed: a built-in jam is played in time, with surprises
  barkcluster live --in mic --page
      what the microphone hears
  barkcluster live --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401 --page
      Max, SuperCollider, Pd, TouchDesigner and others: /bark and 25 levels in dB, 100 a second

--page shows the answers in a browser; without it they show in this terminal.
More: barkcluster live --help
"""
_WEKINATOR = ("osc://127.0.0.1:6448/wek/inputs", "osc://127.0.0.1:12000/wek/outputs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster live` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("--in", dest="sources", action="append", metavar="[NAME=]ADDRESS",
                        help="where frames come from")
    parser.add_argument("--out", dest="sinks", action="append", metavar="ADDRESS",
                        help="where answers go to (default: only to the terminal)")
    parser.add_argument("--wekinator", action="store_true",
                        help="take the place of Wekinator: hear /wek/inputs at port 6448, answer "
                             "/wek/outputs at 12000")
    parser.add_argument("--demo", action="store_true",
                        help="play a built-in jam in time, with surprises: no source is needed")
    parser.add_argument("--page", nargs="?", type=_port, const=_PAGE_PORT, metavar="PORT",
                        help="serve a page that shows the answers in a browser, at a port of "
                             f"this machine (default: {_PAGE_PORT})")
    parser.add_argument("--bind", metavar="HOST",
                        help="listen to other machines too, and let them see the page: 0.0.0.0, "
                             "or the address of this machine in their network")
    parser.add_argument("--frame-rate", type=positive, metavar="HZ",
                        help="frames per second (default: 100; of a file that is played, its own)")
    parser.add_argument("--units", choices=("db", "linear", "amplitude"), default="db",
                        help="what the numbers are: levels in dB, linear powers, or amplitudes "
                             "(default: db)")
    parser.add_argument("--bands", type=int, metavar="N",
                        help="numbers in a frame (default: 25, or those of --model)")
    parser.add_argument("--columns", metavar="WORD,...",
                        help="what the columns of lines are: time, number, sample or skip, then "
                             "levels (default: their names and numbers tell)")
    parser.add_argument("--pace", action="store_true",
                        help="play files that are finished in time, as if they came now (sound "
                             "files are in any case)")
    parser.add_argument("--quiet", action="store_true", help="show only the summary at the end")
    parser.add_argument("--seconds", type=positive, default=math.inf, metavar="S",
                        help="end after S seconds (default: never)")
    _add_session(parser)
    add_learning(parser)
    parser.set_defaults(run=run, header=None, one_per_line=False)


def _add_session(parser: argparse.ArgumentParser) -> None:
    """Add the options for what is remembered, gathered and saved."""
    memory = parser.add_argument_group("the session")
    memory.add_argument("--gather", metavar="FILE",
                        help="write what is heard to a session file, after learning what is in it "
                             "already; with several players, each has a FILE with its name")
    memory.add_argument("--model", metavar="MODEL", help="a model file to begin with")
    memory.add_argument("--every", type=positive, default=30.0, metavar="S",
                        help="learn again after S new seconds (default: 30)")
    memory.add_argument("--minutes", type=positive, default=30.0, metavar="MIN",
                        help="minutes of the session to remember (default: 30)")
    memory.add_argument("--keep", choices=("newest", "thinned"), default="newest",
                        help="what to remember of a longer session: its newest minutes, or blocks "
                             "from all of it (default: newest)")
    memory.add_argument("--no-learning", action="store_true",
                        help="answer by --model alone, learn and gather nothing")
    memory.add_argument("--allow-save", action="store_true",
                        help="let messages save and load models: NAME.npz in --folder")
    memory.add_argument("--folder", default=".", metavar="FOLDER",
                        help="where `save` and `load` find model files (default: here)")


def run(args: argparse.Namespace) -> int:
    """Open sources and outputs, run until the end, close them."""
    # What hears and learns is imported once ports are open: `_play`.
    from barkcluster.display.terminal_lines import TerminalLines
    from barkcluster.live.process import settle_in, stop_on_sigterm

    if not (args.sources or args.wekinator or args.demo):
        print(_WHAT_NEXT, end="", file=sys.stderr)
        return _NOTHING_ASKED
    if args.demo:
        check_demo(args)
    addresses, outputs = _addresses(args)
    check_bands(args.bands)
    check_columns(args, addresses)
    check_files(args, addresses, [address for address, _ in outputs])
    settle_in()
    with ExitStack() as outer:
        with ExitStack() as stack:
            terminal = TerminalLines(sys.stderr)
            outer.callback(terminal.close)
            receiver = _open_ports(args, addresses, stack, terminal)
            stopped = stop_on_sigterm()
            live = _play(args, addresses, outputs, stack, terminal, receiver, stopped)
        from barkcluster.live.view import closing_lines, unsent_lines  # long imported by now

        terminal.keep()
        players = [source.player for source in live.sources]
        lines = [line for player in players for line in closing_lines(player)]
        sent_to = [address for address, _ in outputs]
        for line in lines + unsent_lines(list(zip(sent_to, live.sinks, strict=True))):
            terminal.say(line)
    return int(any(player.stream.n_unwritten for player in players))


def _open_ports(args: argparse.Namespace, addresses: list[Address], stack: ExitStack,
                terminal: TerminalLines) -> Receiver:
    """Listen before anything else: numpy and scikit-learn take seconds to import.

    What comes meanwhile waits in the receiver, with the time at which it came. And a second start
    by mistake finds the ports taken, and has written nothing.
    """
    from barkcluster.live.addresses import places_of
    from barkcluster.live.receiving import Receiver

    receiver = Receiver(places_of(addresses))
    stack.callback(receiver.close)
    receiver.start()
    if not args.quiet and not args.demo:
        terminal.say(printable(_listening(addresses)))
    return receiver


def _play(args: argparse.Namespace, addresses: list[Address], outputs: list[tuple[Address, bool]],
          stack: ExitStack, terminal: TerminalLines, receiver: Receiver,
          stopped: threading.Event) -> Live:
    """Open players and outputs, which `stack` will close, and run until the end."""
    from barkcluster.frames.columns import columns_by_option
    from barkcluster.live.demonstration import Demonstration
    from barkcluster.live.loop import Live
    from barkcluster.live.sinks import open_sink
    from barkcluster.live.stage import perform

    if args.columns is not None:
        columns_by_option(args.columns, args.bands or N_BANDS)

    def say(line: str) -> None:
        if not args.quiet:
            terminal.say(printable(line))

    demo = None
    if args.demo:
        say("demo: a jam is made, and its beginning learned: some seconds")
        demo = Demonstration(args.seed)
    sources, players = [], []
    for i, address in enumerate(addresses):
        name = address.name or ("" if len(addresses) == 1 else str(i + 1))
        sources.append(_source(args, address, name, demo))
        players.append(sources[-1].player)
        stack.callback(players[-1].close)
    sinks = []
    for address, single in outputs:
        sinks.append(open_sink(address, single=single))
        stack.callback(sinks[-1].close)
    page = _page(args, players, demo, stack)
    live = Live(sources, sinks, units=args.units, columns=args.columns, receiver=receiver,
                watcher=page)
    stack.callback(live.close)
    if page is not None:
        # Not by `say`: who is quiet still needs the address.
        terminal.say(f"page: {page.url}" + _who_sees(page.host))
    perform(live, players, None if args.quiet else terminal, page=page, demo=demo,
            seconds=args.seconds, stopped=stopped, say=say)
    return live


def _page(args: argparse.Namespace, players: list[Player], demo: Demonstration | None,
          stack: ExitStack) -> PageFeed | None:
    """The page, if --page is given; `stack` closes it."""
    from barkcluster.live.page.feed import PageFeed

    if args.page is None:
        return None
    page = PageFeed(players, args.bind or "127.0.0.1", args.page, args.folder,
                    marks=() if demo is None else demo.marks)
    stack.callback(page.close)
    return page


def _who_sees(host: str) -> str:
    from barkcluster.live.addresses import is_loopback

    if is_loopback(host):
        return ""
    return ("\n  Everybody who reaches this port sees the page. Its buttons need the token, the "
            "part after #: give that address only to people who may press them.")


def _addresses(args: argparse.Namespace) -> tuple[list[Address], list[tuple[Address, bool]]]:
    """Addresses of sources; addresses of sinks, each with whether it takes one single message."""
    from barkcluster.live.addresses import Address, parse_sink, parse_source

    sources = [parse_source(text, bind=args.bind) for text in args.sources or ()]
    sinks = [(parse_sink(text), False) for text in args.sinks or ()]
    if args.wekinator:
        sources.append(parse_source(_WEKINATOR[0], bind=args.bind))
        sinks.append((parse_sink(_WEKINATOR[1]), True))
    if args.demo:
        return [Address("play", path=_DEMO)], sinks
    check_model(args)
    check_apart(sources, [address for address, _ in sinks])
    plays = [a.kind == "file" and (args.pace or is_audio(a.path))
             for a in sources]
    if args.pace and not any(plays):
        raise ValueError("--pace needs a file to play: --in file:jam.txt.")
    return ([replace(a, kind="play") if is_played else a
             for a, is_played in zip(sources, plays, strict=True)], sinks)


def _listening(addresses: list[Address]) -> str:
    missing = {a for a in addresses if a.kind == "file" and not Path(a.path).exists()}
    return printable("listening on " + ", ".join(
        f"{a} (not there yet)" if a in missing else f"{a}" for a in addresses))


def _source(args: argparse.Namespace, address: Address, name: str,
            demo: Demonstration | None) -> Source:
    """A source with its player, which has a stream and a file of its own."""
    from barkcluster.live.stage import open_source

    model = None
    if args.model is not None:
        # A model file holds what it learned of a background, but not the background itself.
        model = barkcluster.load_model(args.model).set_params(background=background_of(args))
        check_fits(args, model)
        args.bands = model.n_features_in_
    args.bands = N_BANDS if args.bands is None else args.bands
    session = None if demo is None else demo.session
    if demo is None and address.kind == "play":
        session = read(address.path, args)
    if model is None:
        rate = args.frame_rate or (100.0 if session is None else session.frame_rate)
        model = make_model(args).set_params(frame_rate=rate)
    learning = not args.no_learning
    return open_source(
        address, name, model, session, n_bands=args.bands, learning=learning, every=args.every,
        minutes=args.minutes, keep=args.keep,
        gather=Path(args.gather) if args.gather is not None and learning else None,
        folder=args.folder if args.allow_save else None)


def _port(text: str) -> int:
    """Number of a port, or the error that argparse shows."""
    if not (text.isascii() and text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535; got {text!r}.")
    return int(text)
