"""The page of a running session: what it looks like. `barkcluster.live.page` serves it."""

from __future__ import annotations

from importlib.resources import files

from barkcluster.display.chart import policy_hash, shared


def live_page_html() -> tuple[str, str]:
    """The page, which asks its server for everything that it shows.

    Returns
    -------
    html : str
        Complete but for the readings: it loads nothing else.
    policy : str
        Its content security policy: nothing runs but what was written for it.
    """
    script, style = (shared(kind) + _own(f"live_page.{kind}") for kind in ("js", "css"))
    html = _own("live_page.html").replace("{style}", style).replace("{script}", script)
    policy = (f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
              f"script-src {policy_hash(script)}; style-src {policy_hash(style)}")
    return html, policy


def _own(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
