"""Addresses of --in and --out: where frames come from and readings go to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

NETWORK = ("osc", "fudi-udp", "fudi-tcp", "udp-text")
_FORMS = ("osc://HOST:PORT/PATH, fudi-udp://HOST:PORT, fudi-tcp://HOST:PORT, "
          "udp-text://HOST:PORT, file:PATH, {other} or -")


@dataclass(frozen=True)
class Address:
    """A place that frames come from or readings go to.

    Attributes
    ----------
    kind : str
        "osc", "fudi-udp", "fudi-tcp", "udp-text", "file", "latest", "mic", "-", or "play" for a
        file that is finished and is played in time.
    host, port : str and int
        Of the network kinds.
    path : str
        Of the file; for "osc" the address that messages begin with.
    name : str
        Name of the player, empty if none was given.
    """

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    name: str = ""

    def __str__(self) -> str:
        if self.kind in NETWORK:
            host = f"[{self.host}]" if ":" in self.host else self.host
            return f"{self.kind}://{host}:{self.port}{self.path}"
        # As it was typed: a file that is played is asked for as any other.
        kind = "file" if self.kind == "play" else self.kind
        return f"{kind}:{self.path}" if self.path else kind


def parse_source(text: str, *, bind: str | None = None) -> Address:
    """The address of a source of frames.

    Parameters
    ----------
    text : str
        Such as ``osc://127.0.0.1:7400/bark``; ``alice=osc://...`` gives the player a name.
    bind : str, optional
        Host to listen on instead of the one in the address. Without it, only this machine's
        own loopback will do.

    Returns
    -------
    address : Address

    Raises
    ------
    ValueError
        If it is none of the forms known.

    Examples
    --------
    >>> parse_source("alice=osc://127.0.0.1:7400/bark")
    Address(kind='osc', host='127.0.0.1', port=7400, path='/bark', name='alice')
    >>> parse_source("osc://0.0.0.0:7400")
    Traceback (most recent call last):
        ...
    ValueError: --in osc://0.0.0.0:7400 would listen to other machines: say so with --bind 0.0.0.0.
    """
    address = _parse(text, "--in", "mic")
    if address.kind in NETWORK:
        if bind is not None:
            address = replace(address, host=bind)
        elif not is_loopback(address.host):
            raise ValueError(f"--in {text} would listen to other machines: say so with "
                             f"--bind {address.host}.")
    return address


def parse_sink(text: str) -> Address:
    """The address of a sink for readings.

    Parameters
    ----------
    text : str
        As in `parse_source`; ``file:PATH`` is appended to, ``latest:PATH`` always holds the
        newest line alone.

    Returns
    -------
    address : Address

    Raises
    ------
    ValueError
        If it is none of the forms known.

    Examples
    --------
    >>> parse_sink("latest:now.txt")
    Address(kind='latest', host='', port=0, path='now.txt', name='')
    """
    return _parse(text, "--out", "latest:PATH")


def is_live(address: Address) -> bool:
    """Whether frames from an address come as they are played, in real time."""
    return address.kind in (*NETWORK, "mic")


def places_of(addresses: Sequence[Address]) -> list[Address]:
    """The addresses to listen at: each port once, though several sources may share it.

    Raises
    ------
    ValueError
        If two sources want the same frames.
    """
    return [addresses[there[0]] for there in shared(addresses)]


def shared(addresses: Sequence[Address]) -> list[list[int]]:
    """Indices of the addresses, grouped by the port or file they share.

    Raises
    ------
    ValueError
        If two sources want the same frames.
    """
    places: dict[tuple[str, str, int, str], list[int]] = {}
    for i, a in enumerate(addresses):
        path = "" if a.kind == "osc" else a.path
        places.setdefault((a.kind, a.host, a.port, path), []).append(i)
    for there in places.values():
        if len({addresses[i].path for i in there}) < len(there):
            raise ValueError(f"--in {addresses[there[0]]} is given twice. Players on one port "
                             "need OSC and paths of their own.")
    return list(places.values())


def _parse(text: str, option: str, other: str) -> Address:
    named = re.fullmatch(r"([^\W\d_][\w-]*)=(.+)", text)
    name, rest = (named[1], named[2]) if named else ("", text)
    if rest == "-" or (rest == "mic" == other):
        return Address(rest, name=name)
    kind, _, path = rest.partition(":")
    if path and (kind == "file" or (kind == "latest" and other.startswith("latest"))):
        return Address(kind, path=path, name=name)
    if kind in NETWORK:
        try:
            split = urlsplit(rest)
            host, port = split.hostname, split.port
        except ValueError:
            host = port = None
        if not host or not port:
            raise ValueError(f"{option} {text} must be {kind}://HOST:PORT, with a port from 1 to "
                             "65535.")
        if split.query or split.fragment:
            raise ValueError(f"{option} {text}: a path may hold no ? and no #.")
        if split.path not in ("", "/") and kind != "osc":
            raise ValueError(f"{option} {text}: only osc:// has a path after the port.")
        return Address(kind, host, port, split.path.rstrip("/"), name)
    raise ValueError(f"{option} must be {_FORMS.format(other=other)}; got {text!r}.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
