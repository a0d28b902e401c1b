"""Model hub in this process, on a real socket: the part of the Hugging Face API that a fetch uses."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

COMMIT = "c" * 40
BIG = 64  # bytes from which on a file is in large file storage


@dataclass
class Hub:
    """The hub's content and behaviour, which tests change."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)  # repository → path → content
    commit: str = COMMIT  # what every branch is at
    url: str = ""
    cuts: list[int] = field(default_factory=list)  # each ends one download after so many bytes
    corrupt: set[str] = field(default_factory=set)  # paths that come other than they are described
    ranges: bool = True  # whether it can continue a download
    status: int | None = None  # answered to everything
    downloads: list[tuple[str, int]] = field(default_factory=list)  # path, first byte
    calls: int = 0
    before_file: Callable[[str], object] = lambda _path: None  # called with the path before a file is sent

    def describe(self, repository: str, path: str) -> dict[str, object]:
        """Answer like the hub's ``paths-info``."""
        content = self.files[repository][path]
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        about: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if len(content) >= BIG:
            sha256 = hashlib.sha256(content).hexdigest()
            about["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
        return about

    @contextmanager
    def running(self) -> Iterator["Hub"]:
        """Listen on a free local port."""
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Do nothing."""

    def do_GET(self) -> None:
        self.hub.calls += 1
        if self.hub.status is not None:
            self._json(self.hub.status, {"error": "as told"})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/?]+)(\?.*)?", self.path):
            if match[1] in self.hub.files:
                self._json(200, {"id": match[1], "sha": self.hub.commit})
            else:
                self._json(404, {"error": "Repository not found"}, code="RepoNotFound")
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path):
            self._file(match[1], unquote(match[3]))
        else:
            self._json(404, {"error": "Not found"})

    def do_POST(self) -> None:
        self.hub.calls += 1
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)/paths-info/([^/]+)", self.path)
        if self.hub.status is not None:
            self._json(self.hub.status, {"error": "as told"})
        elif match is None or match[1] not in self.hub.files:
            self._json(404, {"error": "Repository not found"}, code="RepoNotFound")
        else:
            stored = self.hub.files[match[1]]
            self._json(200, [self.hub.describe(match[1], path) for path in form["paths"] if path in stored])

    def _file(self, repository: str, path: str) -> None:
        content = self.hub.files[repository][path]
        self.hub.before_file(path)
        if path in self.hub.corrupt:
            content = bytes(reversed(content))
        requested_range = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        first = int(requested_range[1]) if requested_range and self.hub.ranges else 0
        self.hub.downloads.append((path, first))
        self.send_response(206 if requested_range and self.hub.ranges else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        sent = content[first:]
        if self.hub.cuts:
            sent = sent[: self.hub.cuts.pop(0)]
        self.wfile.write(sent)
        self.close_connection = True

    def _json(self, status: int, body: object, *, code: str | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        self.wfile.write(text)
