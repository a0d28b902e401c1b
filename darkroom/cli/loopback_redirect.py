"""Loopback redirect of a native application (RFC 8252): a server on 127.0.0.1 that takes one authorization response."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from darkroom.client.errors import ClientError, UnreachableError

PATH = "/callback"
PAGE = "<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p>Return to the terminal.</p>"
TITLES = {True: "Signed in", False: "Not signed in"}


class RedirectServer(ThreadingHTTPServer):
    """Server of the redirect URI. ``response`` is the query of the first request that shows ``state``."""

    # Browsers open connections in advance, which must not block the one that is used.
    daemon_threads = True
    # A port that another program has opened must not be shared with it.
    allow_reuse_address = False

    def __init__(self, port: int) -> None:
        self.state: str | None = None
        self.response: dict[str, str] | None = None
        self.received = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def redirect_uri(self) -> str:
        """The redirect URI of the authorization request."""
        return f"http://127.0.0.1:{self.server_port}{PATH}"

    def wait(self, seconds: float) -> dict[str, str]:
        """Return the parameters of the authorization response. Raises ``UnreachableError`` if none comes."""
        # In short steps: Windows delivers no Ctrl-C during a wait.
        for _ in range(max(1, round(seconds / 0.5))):
            if self.received.wait(0.5) and self.response is not None:
                return self.response
        raise UnreachableError(f"Nobody signed in within {seconds:.0f} seconds.")

    def server_bind(self) -> None:
        """Bind without the lookup of a host name, which may take seconds."""
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: RedirectServer
    timeout = 10

    def do_GET(self) -> None:
        """Answer the redirect with a page, everything else with 404."""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if parts.path != PATH or query.get("state") is None or query["state"] != self.server.state:
            self.send_error(404)
            return
        if self.server.response is None:
            self.server.response = query
        title = TITLES["code" in query]
        page = (
            f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p>Return to the terminal.</p>"
        )
        content = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        # The page's address holds the code: no other site may learn of it.
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)
        self.server.received.set()

    def log_message(self, *_arguments: object) -> None:
        """Write nothing: the address of a request holds the authorization code."""


@contextmanager
def redirect_server(port: int = 0) -> Iterator[RedirectServer]:
    """Run the server of the redirect URI; port 0 takes any free one. Raises ``ClientError`` if the port is taken."""
    try:
        server = RedirectServer(port)
    except OSError as error:
        raise ClientError("port_taken", f"Port {port} cannot be used: {error.strerror or error}.") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
