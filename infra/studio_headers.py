"""HTTP headers of the studio's files, in the cloud and locally: security and caching."""

from dataclasses import dataclass

INDEX = "index.html"
CONFIG = "config.json"
ASSETS = "assets/"  # names contain a content hash, so files never change

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
BRIEFLY = "public, max-age=3600"

REFERRER_POLICY = "no-referrer"
STRICT_TRANSPORT_SECONDS = 63_072_000  # two years, as the browsers' preload list recommends
_DENIED_FEATURES = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer"),
    *("microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb", "xr-spatial-tracking"),
)


@dataclass(frozen=True)
class ConnectOrigins:
    """Origins that the studio connects to besides its own, each ``scheme://host[:port]``.

    ``storage`` has the bucket under each of its host names; ``identity`` issues tokens.
    """

    api: str
    socket: str
    storage: tuple[str, ...]
    identity: str


def content_security_policy(origins: ConnectOrigins) -> str:
    """Return the policy (CSP level 3): own scripts and styles only, nothing inline, connections to ``origins`` only."""
    pictures = _words("'self'", "blob:", "data:", *origins.storage)
    media = _words("'self'", "blob:", *origins.storage)
    connections = _words("'self'", "blob:", origins.api, origins.socket, *origins.storage, origins.identity)
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src {pictures}",
            f"media-src {media}",
            f"connect-src {connections}",
            "font-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            # Markup or code made of text is refused, wherever a page would run it (Trusted Types). The studio's own
            # policy allows the empty text alone: studio/src/shell/trusted-types.ts.
            "require-trusted-types-for 'script'",
            "trusted-types default",
        ]
    )


def _words(*sources: str) -> str:
    return " ".join(dict.fromkeys(sources))


def security_headers(origins: ConnectOrigins, *, https: bool) -> dict[str, str]:
    """Return all security headers. ``https`` adds Strict-Transport-Security."""
    headers = {
        "Content-Security-Policy": content_security_policy(origins),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": REFERRER_POLICY,
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _DENIED_FEATURES),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if https:
        headers["Strict-Transport-Security"] = f"max-age={STRICT_TRANSPORT_SECONDS}"
    return headers


def cache_control(path: str) -> str:
    """Return the ``Cache-Control`` of a file, by its path below the root.

    >>> cache_control("assets/index-1a2b3c.js")
    'public, max-age=31536000, immutable'
    """
    if path.startswith(ASSETS):
        return IMMUTABLE
    return REVALIDATED if path in {INDEX, CONFIG} else BRIEFLY
