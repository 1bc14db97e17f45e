"""What pages share: the script and style of a chart of familiarity, and hashes for policies."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def shared(kind: str) -> str:
    """The script or style that stands before a page's own.

    Parameters
    ----------
    kind : {"js", "css"}

    Returns
    -------
    text : str
    """
    return (files(__name__) / f"chart.{kind}").read_text(encoding="utf-8")


def policy_hash(text: str) -> str:
    """The hash of a script or style, for a content security policy that allows no other.

    Parameters
    ----------
    text : str
        All that stands between the tags.

    Returns
    -------
    source : str
        A source expression.

    Examples
    --------
    >>> policy_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
