"""File name suffixes of sessions and sound: one list for all commands."""

from __future__ import annotations

import os
from pathlib import PurePath

# What libsndfile reads, by the suffixes that people have.
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc",
                  ".caf", ".w64", ".rf64", ".au", ".snd")
# Sound that it does not read.
OTHER_AUDIO_SUFFIXES = (".m4a", ".aac", ".mp4", ".m4b", ".wma", ".alac", ".ape", ".wv", ".mka",
                        ".mkv", ".mov", ".webm", ".amr", ".3gp", ".dsf")
TEXT_SUFFIXES = (".txt", ".csv", ".tsv")
SESSION_SUFFIXES = (*TEXT_SUFFIXES, *AUDIO_SUFFIXES)


def is_audio(path: str | os.PathLike[str]) -> bool:
    """Whether a file is sound by its suffix, including formats that cannot be read.

    Examples
    --------
    >>> is_audio("jam.WAV"), is_audio("jam.m4a"), is_audio("jam.txt")
    (True, True, False)
    """
    return suffix_of(path) in (*AUDIO_SUFFIXES, *OTHER_AUDIO_SUFFIXES)


def suffix_of(path: str | os.PathLike[str]) -> str:
    """The suffix of a path, in lower case.

    Examples
    --------
    >>> suffix_of("take.2.WAV")
    '.wav'
    """
    return PurePath(os.fspath(path)).suffix.lower()


def how_to_convert(path: str | os.PathLike[str]) -> str:
    """How to convert a sound file that cannot be read; empty for other suffixes.

    Examples
    --------
    >>> how_to_convert("jam.m4a")
    ' Convert it first, such as by: ffmpeg -i jam.m4a jam.wav'
    """
    if suffix_of(path) not in OTHER_AUDIO_SUFFIXES:
        return ""
    name = PurePath(os.fspath(path)).name
    return f" Convert it first, such as by: ffmpeg -i {name} {PurePath(name).stem}.wav"
