"""Sound files to session text files."""

from __future__ import annotations

import argparse
from pathlib import Path

import barkcluster
from barkcluster._clock import clock
from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable
from barkcluster.files.kinds import is_written_session

from ._files import Skipped, add_strict
from ._options import check_output, positive

_DESCRIPTION = """\
Turns sound (wav, flac, ogg, mp3, aiff, caf, ...) into session text files: 25 Bark levels in dB for
every frame. Needs the extra `audio`: pip install 'barkcluster[audio]'
"""
_EPILOG = """\
examples:
  barkcluster extract jam.wav                    writes jam.txt
  barkcluster extract take*.flac -o sessions/    writes sessions/take1.txt, ...
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster extract` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("audio", nargs="+", type=Path, metavar="AUDIO", help="sound files")
    parser.add_argument("-o", "--output", metavar="FILE|DIR",
                        help="file, or folder ending in / or existing; for several sound files "
                             "a folder (default: the current one)")
    parser.add_argument("--frame-rate", "--rate", type=positive, default=100.0, metavar="HZ",
                        help="frames per second (default: 100)")
    add_strict(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, analyze and write file by file."""
    outputs = _outputs(args.audio, args.output)
    written = []
    skipped = Skipped(len(outputs), args.strict)
    try:
        with progress(len(outputs)) as step:
            for source, target in zip(args.audio, outputs, strict=True):
                step(f"reading {source.name}")
                with skipped.tried(source):
                    session = barkcluster.read_audio(source, frame_rate=args.frame_rate)
                    barkcluster.write_session(session, target)
                    written.append(printable(
                        f"{target}: {len(session)} frames, {clock(session.duration, 1)} at "
                        f"{session.frame_rate:g} Hz"))
    finally:  # what is written is said, whatever became of the rest
        if written:
            print("\n".join(written))
    skipped.tell()


def _outputs(sources: list[Path], output: str | None) -> list[Path]:
    """The file for each session; ValueError if one would replace another or be shared."""
    folder = Path(output or ".")
    if output is not None and len(sources) == 1 and not (
            output.endswith(("/", "\\")) or folder.is_dir()):
        targets = [folder]
    else:
        folder.mkdir(parents=True, exist_ok=True)
        targets = [folder / f"{source.stem}.txt" for source in sources]
    for i, target in enumerate(targets):
        if target in targets[:i]:
            other = sources[targets.index(target)]
            raise ValueError(f"{other} and {sources[i]} would both be written to {target}.")
        check_output(str(target), map(str, sources))
        if target.is_file() and not is_written_session(target):
            raise ValueError(f"{target} is there already, and is no text that extract wrote: name "
                             "another output (-o).")
    return targets
