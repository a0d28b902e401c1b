"""HTTP clients of the SDK: the one place that makes them, with proxies and certificates of the environment.

The environment is read for each host at its first request. So a variable that cannot be used stops no request that does
without it, above all none to the local stack.
"""

import threading
from typing import Any

import httpx2

from darkroom.client.environment_proxy import environment_proxy
from darkroom.client.errors import EnvironmentVariableError

CERTIFICATE_VARIABLES = "SSL_CERT_FILE or SSL_CERT_DIR"
_Origin = tuple[str, str, int | None]


def http_client(
    *, timeout: httpx2.Timeout | float, transport: httpx2.BaseTransport | None = None, follow_redirects: bool = False
) -> httpx2.Client:
    """Return a blocking HTTP client; ``transport`` replaces the one that reads the environment.

    Its requests raise ``EnvironmentVariableError`` if a variable that they need cannot be used.
    """
    return httpx2.Client(
        timeout=timeout, transport=transport or EnvironmentTransport(), follow_redirects=follow_redirects
    )


def async_http_client(
    *,
    timeout: httpx2.Timeout | float,
    transport: httpx2.AsyncBaseTransport | None = None,
    follow_redirects: bool = False,
) -> httpx2.AsyncClient:
    """Return an asynchronous HTTP client, as ``http_client`` does."""
    return httpx2.AsyncClient(
        timeout=timeout, transport=transport or AsyncEnvironmentTransport(), follow_redirects=follow_redirects
    )


class EnvironmentTransport(httpx2.BaseTransport):
    """Blocking transport that connects to each origin as the environment says. Thread-safe."""

    def __init__(self) -> None:
        self._transports: dict[_Origin, httpx2.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request. Raises ``EnvironmentVariableError`` besides the errors of httpx2."""
        origin = _origin(request.url)
        with self._lock:
            if origin not in self._transports:
                self._transports[origin] = httpx2.HTTPTransport(**_options(request.url))
            transport = self._transports[origin]
        return transport.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            transports, self._transports = self._transports, {}
        for transport in transports.values():
            transport.close()


class AsyncEnvironmentTransport(httpx2.AsyncBaseTransport):
    """Asynchronous transport that connects to each origin as the environment says."""

    def __init__(self) -> None:
        self._transports: dict[_Origin, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request. Raises ``EnvironmentVariableError`` besides the errors of httpx2."""
        origin = _origin(request.url)
        if origin not in self._transports:
            self._transports[origin] = httpx2.AsyncHTTPTransport(**_options(request.url))
        return await self._transports[origin].handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()


def _origin(url: httpx2.URL) -> _Origin:
    return url.scheme, url.host, url.port


def _options(url: httpx2.URL) -> dict[str, Any]:
    """Return the options of the transport to an origin."""
    proxy = environment_proxy(str(url))
    if proxy is None and url.scheme == "http":
        return {"trust_env": False}  # without TLS, certificates are not read
    return {"proxy": None if proxy is None else httpx2.Proxy(proxy), "verify": _certificates()}


def _certificates() -> Any:
    """Return the TLS context. Raises ``EnvironmentVariableError`` for certificates that cannot be read."""
    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EnvironmentVariableError(CERTIFICATE_VARIABLES, f"names no certificates: {reason}.") from error
