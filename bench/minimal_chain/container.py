"""Container of the minimal chain: answers every invocation at once. The stand-in runs it as a module."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Handler of ``/ping`` and ``/invocations``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer 200."""
        self._answer()

    def do_POST(self) -> None:
        """Read the input and answer 200."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


if __name__ == "__main__":
    ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
