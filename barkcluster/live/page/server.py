"""The server of the page: sends readings to browsers and takes the presses of its buttons.

Whoever reaches the port may look; the buttons need the token that was printed at the start.
Requests that name this machine by a foreign name, as after DNS rebinding, or that come from a
page of another origin, are refused.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from barkcluster.display.live_page import live_page_html
from barkcluster.live.addresses import is_loopback

from .likeness import motifs_of
from .memory import Cursor, Memory
from .messages import Answer, Hello

# The words of the buttons: no file is named from here.
BUTTONS = ("retrain", "pause", "go on", "save", "reset")

_NEWS_S = 0.1
_ALIVE_S = 2.0
_HEARTBEAT_S = 20.0
_MOST_BROWSERS = 32
_MOST_MESSAGE_BYTES = 2000
# Between searches for motifs, and how much more than what the last one took.
_MOTIFS_S = 20.0
_FIRST_MOTIFS_S = 3.0  # while there are none
_MOTIFS_SHARE = 10

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Place(NamedTuple):
    """Where the page is and who may press its buttons.

    Attributes
    ----------
    host : str
        Address to listen on.
    port : int
        0: any that is free.
    token : str
    """

    host: str
    port: int
    token: str


class PageServer:
    """The page of a running session.

    Parameters
    ----------
    memory : Memory
    place : Place
    pressed : callable
        Takes the number of a player and one of `BUTTONS`.
    """

    def __init__(self, memory: Memory, place: Place,
                 pressed: Callable[[int, str], None]) -> None:
        self._memory = memory
        self._place = place
        self._pressed = pressed
        self._browsers: set[web.WebSocketResponse] = set()
        self._html, self._policy = live_page_html()

    async def run(self, listening: Callable[[int], None], ended: asyncio.Event) -> None:
        """Serve until an event.

        Parameters
        ----------
        listening : callable
            Told the port once it is open.
        ended : asyncio.Event

        Raises
        ------
        OSError
            If the port is taken.
        """
        app = web.Application(middlewares=[self._check])
        app.add_routes([web.get("/", self._page), web.get("/live", self._live)])
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._place.host, self._place.port,
                              shutdown_timeout=1.0).start()
            listening(runner.addresses[0][1])
            searching = asyncio.create_task(self._search_motifs())
            await ended.wait()
            searching.cancel()
            for browser in list(self._browsers):
                await browser.close(code=WSCloseCode.GOING_AWAY)
        finally:
            await runner.cleanup()

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not is_own_host(host, self._place.host):
            raise web.HTTPForbidden(text="This page is reached by the address that was printed "
                                         "when it was started, not by another name.\n")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise web.HTTPForbidden(text="Pages of other origins may not look here.\n")
        return await handler(request)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        own = f"connect-src ws://{request.headers['Host']}"
        return web.Response(text=self._html, content_type="text/html", headers={
            "Content-Security-Policy": f"{self._policy}; {own}; frame-ancestors 'none'",
            "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"})

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if len(self._browsers) >= _MOST_BROWSERS:
            raise web.HTTPServiceUnavailable(text="Too many pages are open.\n")
        browser = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, compress=False,
                                        max_msg_size=_MOST_MESSAGE_BYTES)
        await browser.prepare(request)
        self._browsers.add(browser)
        telling = asyncio.create_task(self._tell(browser))
        try:
            async for message in browser:
                if message.type is WSMsgType.TEXT:
                    await browser.send_str(json.dumps({"said": self._answer(message.data)}))
        finally:
            self._browsers.discard(browser)
            telling.cancel()
        return browser

    async def _tell(self, browser: web.WebSocketResponse) -> None:
        """Tell a browser what is new. One that is slow is told less often, not later and later."""
        cursor, last = Cursor(), time.monotonic()
        with suppress(ConnectionError):
            while not browser.closed:
                news = self._memory.news(cursor)
                now = time.monotonic()
                if news is not None or now - last >= _ALIVE_S:
                    last = now
                    await browser.send_str(json.dumps(news or {}, separators=(",", ":")))
                await asyncio.sleep(_NEWS_S)

    def _answer(self, text: str) -> str:
        """Act on the press of a button; the text to show beside it, empty if all is well."""
        try:
            said = json.loads(text)
            token, player, word = str(said["token"]), int(said["player"]), str(said["word"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return "not understood"
        # Half a surrogate, which JSON can hold, is no UTF-8.
        if not hmac.compare_digest(token.encode(errors="replace"), self._place.token.encode()):
            return "token"
        if word not in BUTTONS or not 0 <= player < len(self._memory.players):
            return "not understood"
        self._pressed(player, word)
        return ""

    async def _search_motifs(self) -> None:
        while True:
            begun, n_found = time.monotonic(), 0
            for player in self._memory.players:
                session = self._memory.session_of(player)
                if session is not None:
                    found = await asyncio.to_thread(motifs_of, session)
                    self._memory.set_motifs(player, found)
                    n_found += len(found)
            took = time.monotonic() - begun
            await asyncio.sleep(max(_MOTIFS_S if n_found else _FIRST_MOTIFS_S,
                                    _MOTIFS_SHARE * took))


def is_own_host(header: str, bound: str) -> bool:
    """Whether a Host header names this machine as its user does, not as a stranger's DNS might.

    Parameters
    ----------
    header : str
        With or without a port.
    bound : str
        What the page listens on.

    Examples
    --------
    >>> [is_own_host(host, "127.0.0.1") for host in ("localhost:7470", "evil.example:7470")]
    [True, False]
    >>> is_own_host("192.168.1.5:7470", "0.0.0.0"), is_own_host("192.168.1.5", "127.0.0.1")
    (True, False)
    """
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", bound.lower()):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        # By its own name in the network, if the network may look.
        own = socket.gethostname().lower()
        return not is_loopback(bound) and name in (own, f"{own}.local")
    return address.is_loopback or not is_loopback(bound)


def serve(lines: IO[bytes], answers: Callable[[Answer], None]) -> None:
    """Serve the page of what is said in lines of JSON, until they end.

    Parameters
    ----------
    lines : binary file
        `Hello`, then `Heard` again and again.
    answers : callable
        Told what the page says.
    """
    hello: Hello = json.loads(lines.readline())
    memory = Memory(hello)
    place = Place(hello["host"], hello["port"], hello["token"])
    server = PageServer(memory, place,
                        lambda player, word: answers({"player": player, "word": word}))

    async def run() -> None:
        ended, loop = asyncio.Event(), asyncio.get_running_loop()

        def listen() -> None:
            try:
                for line in lines:
                    memory.take(json.loads(line))
            finally:
                with suppress(RuntimeError):  # the server ended first
                    loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=listen, name="feed", daemon=True).start()
        await server.run(lambda port: answers({"port": port}), ended)

    try:
        asyncio.run(run())
    except OSError as error:
        answers({"error": (error.errno, error.strerror or str(error))})
