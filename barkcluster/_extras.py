"""What to say where a package is missing that only an extra brings."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def missing_extra(what: str, packages: str, extra: str) -> ImportError:
    """The error of something that needs an extra, with the command that installs it here.

    Parameters
    ----------
    what : str
        What needs it, as the beginning of a sentence.
    packages : str
        Packages that are missing.
    extra : str
        Name of the extra that has them.

    Returns
    -------
    error : ImportError
        To be raised.
    """
    return ImportError(f"{what} needs {packages}: {install_command(extra)}")


def install_command(extra: str) -> str:
    """The command that installs an extra: of these sources, if they are where this came from.

    Parameters
    ----------
    extra : str

    Returns
    -------
    command : str
        Quoted for a shell.
    """
    folder = _sources()
    if folder is None:
        return f"pip install 'barkcluster[{extra}]'"
    place = "." if folder == Path.cwd() else str(folder).replace("'", "'\\''")
    return f"pip install '{place}[{extra}]'"


def _sources() -> Path | None:
    """The folder with the sources that are run, or that were installed from; None if unknown."""
    beside = Path(__file__).resolve().parent.parent
    if (beside / "pyproject.toml").is_file():
        return beside
    try:
        text = metadata.distribution("barkcluster").read_text("direct_url.json")
        url = urlsplit(json.loads(text or "{}").get("url", ""))
    except (metadata.PackageNotFoundError, ValueError):
        return None
    if url.scheme != "file":
        return None
    folder = Path(url2pathname(url.path))
    return folder if (folder / "pyproject.toml").is_file() else None
