"""What the pages share: how a chart of familiarity is drawn, its colors, and a page's policy."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def shared(kind: str) -> str:
    """Script ("js") or style ("css") that stands before a page's own.

    Parameters
    ----------
    kind : {"js", "css"}

    Returns
    -------
    text : str
    """
    return (files(__name__) / f"chart.{kind}").read_text(encoding="utf-8")


def policy_hash(text: str) -> str:
    """A script or style as a content security policy names it: nothing else runs.

    Parameters
    ----------
    text : str
        All between the tags.

    Returns
    -------
    source : str

    Examples
    --------
    >>> policy_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
