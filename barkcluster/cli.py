"""The command line: finds the command, and turns its errors into one line.

A command is a file in `commands`: ``add_arguments(parser)`` says what it takes and sets ``run``,
which does the work through the library's public names. A new one is that file and a row in
`COMMANDS`. Only the command that was asked for is imported, and the library imports what it needs
when it needs it: help answers at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn, TextIO

from barkcluster._threads import THREAD_VARIABLES
from barkcluster._version import __version__
from barkcluster.display.progress import complain
from barkcluster.display.terminal import printable

COMMANDS = {
    "demo": "make a jam, learn its beginning with every scorer, show what they hear in the rest",
    "check": "whether sessions are sound: silence, dead bands, other units, copies",
    "extract": "sound files to session text files",
    "fit": "learn session files, write a model file",
    "background": "other sessions to one file, so that a model can tell strangers from its own",
    "score": "how familiar each moment of a session is, given others",
    "compare": "all scorers side by side on your own session",
    "report": "one page about sessions: what was strange, what recurs, the map, the tempo",
    "rank": "which sessions of a folder another one is like",
    "identify": "which of them it is, or none",
    "tempo": "beats per minute of session and sound files",
    "motifs": "what repeats in a session, and what only this session has",
    "live": "hear other programs play, and tell them how familiar it is",
}

_EPILOG = """\
examples:
  barkcluster demo
  barkcluster score jam.txt now.txt
  barkcluster compare jam.txt --intrusions radio.txt

COMMAND --help says more about each. Session files are text, a line of 25 numbers in dB for each
frame, 100 a second; with the extra `audio`, wav, flac, ogg and mp3 files will do as well.
"""

BAD_INPUT = 2
INTERRUPTED = 130  # as a shell reports SIGINT
BROKEN_PIPE = 141  # and SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    code : int
        0 if all went well, 1 if `check` found faults, 2 for bad input, 130 after Ctrl-C, 141 if
        the reader of the output went away.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    for variable in THREAD_VARIABLES:  # before numpy is imported
        os.environ.setdefault(variable, "1")
    # None where whoever started this closed them.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Names hold what the code page of a redirected terminal may not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser(arguments)
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    with warnings.catch_warnings():
        warnings.showwarning = _Warnings().show
        try:
            code: int = args.run(args) or 0
            sys.stdout.flush()
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            _forget_stdout()
            return BROKEN_PIPE
        except (ValueError, OSError, ImportError, MemoryError) as error:
            if args.traceback:
                raise
            print(f"barkcluster: {_one_line(error)}", file=sys.stderr)
            return BAD_INPUT
    return code


def make_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all commands, with the arguments of the one that is asked for.

    Parameters
    ----------
    arguments : sequence of str
        What will be parsed: its first word that is no option names the command.
    """
    parser = _Parser(
        prog="barkcluster", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="How familiar is what I hear now, given what I have heard of this jam?")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--traceback", action="store_true",
                        help="on errors, show where in the code they came from")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        command.set_defaults(parser=command)
        if name == asked:
            import_module(f".commands.{name}", __package__).add_arguments(command)
    return parser


class _Parser(argparse.ArgumentParser):
    """Reports a usage error in one line and points to --help, rather than printing the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {printable(message)} (see {self.prog} --help)\n")


def _one_line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return printable(f"not enough memory. {' '.join(str(error).split())}".rstrip())
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return printable(f"{where}{error.strerror}")
    return printable(" ".join(str(error).split())) or type(error).__name__


class _Warnings:
    """Prints the text of warnings without the line of code that Python would add, each once.

    Python forgets what it has shown whenever a library changes which warnings it shows.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def show(self, message: Warning | str, category: type[Warning], filename: str, lineno: int,
             file: TextIO | None = None, line: str | None = None) -> None:
        """Print a warning that was not printed before."""
        text = " ".join(str(message).split())
        if text not in self._told:
            self._told.add(text)
            complain(f"warning: {text}")


def _forget_stdout() -> None:
    """Keep Python from flushing into the broken pipe again at exit."""
    with suppress(OSError, ValueError):  # a stdout without a file descriptor has nothing to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
