"""Proxy of a request, as the environment variables ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say.

HTTP requests and WebSocket connections follow the same rules. A loopback address is never reached through a proxy. A
variable that cannot be used is an error only for a request that needs it.
"""

import ipaddress
import os
import re
import urllib.request
from importlib.util import find_spec
from urllib.parse import SplitResult, urlsplit

import httpx2

from darkroom.client.errors import EnvironmentVariableError
from darkroom.client.network import is_loopback

SOCKS_SCHEMES = ("socks5", "socks5h")
PROXY_SCHEMES = ("http", "https", *SOCKS_SCHEMES)
# The scheme of HTTP whose proxy a WebSocket uses.
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ADDRESS_AND_PORT = re.compile(r"\[([^]]*)]:([0-9]+)")


def environment_proxy(url: str) -> str | None:
    """Return the URL of the proxy for a request to ``url``; None to connect directly.

    Raises ``EnvironmentVariableError``, which names the variable but not its value: that may hold a password.
    """
    if is_loopback(url):
        return None
    parts = urlsplit(url)
    scheme = _HTTP_SCHEMES.get(parts.scheme, parts.scheme)
    proxies = urllib.request.getproxies()
    key = scheme if proxies.get(scheme) else "all"
    found = proxies.get(key)
    if not found or _is_exempt(parts, scheme, proxies.get("no", "")):
        return None
    return _usable(found if "://" in found else f"http://{found}", _variable(key))


def _is_exempt(parts: SplitResult, scheme: str, entries: str) -> bool:
    """Return True if ``NO_PROXY`` names the host: itself, a domain above it, or a network; each may have a port."""
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _DEFAULT_PORTS.get(scheme)
    # Without variables, the proxies are those of the system settings of macOS or Windows, which have exceptions, too.
    if not urllib.request.getproxies_environment() and urllib.request.proxy_bypass(host):
        return True
    return any(_matches(entry.lower(), host, port) for entry in re.split(r"[\s,]+", entries))


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry in ("", "*"):
        return entry == "*"
    if bracketed := _ADDRESS_AND_PORT.fullmatch(entry):
        return int(bracketed[2]) == port and _matches(bracketed[1], host, port)
    try:
        network = ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        name, colon, number = entry.rpartition(":")
        if colon and number.isdecimal():
            return int(number) == port and _matches(name, host, port)
        domain = entry.removeprefix("*").lstrip(".").rstrip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _usable(proxy: str, variable: str) -> str:
    """Return the proxy's URL. Raises ``EnvironmentVariableError`` if no connection can be made through it."""
    scheme = proxy.partition("://")[0].lower()
    if scheme not in PROXY_SCHEMES:
        known = ", ".join(f"{each}://" for each in PROXY_SCHEMES)
        raise EnvironmentVariableError(variable, f"names a proxy that is none of {known}. Change or unset it.")
    try:
        usable = bool(httpx2.Proxy(proxy).url.host)
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if not usable:
        raise EnvironmentVariableError(
            variable, "does not hold the URL of a proxy, such as http://proxy.example.com:3128. Change or unset it."
        ) from None  # the cause may quote a password
    if scheme in SOCKS_SCHEMES and find_spec("socksio") is None:
        raise EnvironmentVariableError(
            variable, "names a SOCKS proxy, which needs a package: pip install 'darkroom-sdk[socks]'. Or unset it."
        )
    return proxy


def _variable(key: str) -> str:
    """Return the name of the variable for a scheme, as it is written in the environment. Lower case comes first."""
    for name in (f"{key}_proxy", *(name for name in os.environ if name.lower() == f"{key}_proxy")):
        if os.environ.get(name):
            return name
    return f"The system's {key} proxy"
