"""Monitor of forbidden browser behaviour during a test."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page

_OWN_SCHEMES = {"blob", "data", "about"}
# The browser's own line about an answer that the page may well have asked for: a refusal of the service.
_ANSWER = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


class Watch:
    """Collects errors and requests of a page. ``origins`` are those that it may talk to; ``service`` is the one of
    them whose refusals are no error."""

    def __init__(self, page: Page, *, origins: set[str], service: str) -> None:
        self._origins = origins
        self._service = service
        self._allowed: list[re.Pattern[str]] = []
        self._seen: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._seen.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._on_request(request.url))
        page.on("websocket", lambda socket: self._on_request(socket.url))

    def allow(self, pattern: str) -> None:
        """Let what matches happen in this test: a network that the test itself takes away, say."""
        self._allowed.append(re.compile(pattern))

    def problems(self) -> list[str]:
        """What was seen and not allowed."""
        return [text for text in self._seen if not any(pattern.search(text) for pattern in self._allowed)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        url = message.location["url"]
        if _ANSWER.match(message.text) and origin_of(url) == self._service:
            return
        self._seen.append(f"console: {message.text} ({url})")

    def _on_request(self, url: str) -> None:
        if urlsplit(url).scheme not in _OWN_SCHEMES and origin_of(url) not in self._origins:
            self._seen.append(f"foreign request: {url}")


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL; a socket's are those of its HTTP.

    >>> origin_of("ws://127.0.0.1:4566/live?token=t")
    'http://127.0.0.1:4566'
    """
    parts = urlsplit(url)
    return f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"
