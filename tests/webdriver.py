"""A browser without a window, through the W3C WebDriver protocol: JSON to chromedriver."""

import base64
import contextlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request


def missing():
    """Which of the programs is not installed; None if all are."""
    for names in (("chromium", "chromium-browser", "google-chrome"),
                  ("chromedriver", "chromium.chromedriver")):
        if not any(map(shutil.which, names)):
            return names[0]
    return None


class Browser:
    """A page in headless Chromium."""

    def __init__(self, base, session):
        self._url = f"{base}/session/{session}"

    def open(self, path):
        """A file, or the address of a page."""
        _ask(f"{self._url}/url", {"url": path if isinstance(path, str) else path.as_uri()})

    def run(self, script, *arguments):
        """What a script returns."""
        return _ask(f"{self._url}/execute/sync", {"script": script, "args": list(arguments)})

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=width < 500)

    def scheme(self, name):
        """Prefer dark or light."""
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": name}])

    def devtools(self, command, **parameters):
        return _ask(f"{self._url}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self):
        """What the page complained of since it was asked last."""
        return _ask(f"{self._url}/se/log", {"type": "browser"})

    def press(self, *keys):
        """Keys to whatever has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        _ask(f"{self._url}/actions",
             {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def drag(self, start, *others):
        """Mouse down at a point (x, y) of the window, over others, and up."""
        actions = [{"type": "pointerMove", "x": start[0], "y": start[1], "duration": 0},
                   {"type": "pointerDown", "button": 0}]
        actions += [{"type": "pointerMove", "x": x, "y": y, "duration": 20} for x, y in others]
        actions += [{"type": "pointerUp", "button": 0}]
        _ask(f"{self._url}/actions",
             {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(_ask(f"{self._url}/screenshot")))


@contextlib.contextmanager
def browser(*options):
    """A browser, with some more options of its own, and its driver on a port of this machine."""
    driver = next(filter(None, map(shutil.which, ("chromedriver", "chromium.chromedriver"))))
    program = next(filter(None, map(
        shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL)
    try:
        base = None
        for line in process.stdout:
            if "started successfully on port" in line:
                base = "http://127.0.0.1:" + line.rstrip(".\n").rsplit(" ", 1)[1]
                break
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--hide-scrollbars", *options]
        answer = _ask(f"{base}/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": program, "args": arguments},
            # Two hours of a page take a busy machine longer than the usual half minute.
            "timeouts": {"script": 120_000},
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        page = Browser(base, answer["sessionId"])
        try:
            yield page
        finally:
            _ask(page._url, method="DELETE")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _ask(url, body=None, method=None):
    request = urllib.request.Request(
        url, None if body is None else json.dumps(body).encode(), method=method,
        headers={"Content-Type": "application/json"})
    for wait in (0.2, 0.5, 1.0, None):
        try:
            with urllib.request.urlopen(request, timeout=150) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None
        except urllib.error.URLError:
            if wait is None:
                raise
            time.sleep(wait)
