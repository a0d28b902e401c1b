"""Downloads of results: streamed, verified and written atomically."""

import hashlib
import os
import secrets
from pathlib import Path

import httpx2

from darkroom.client.clock_skew import clock_hint, server_time
from darkroom.client.connections import Connections, Http
from darkroom.client.errors import DownloadError, LinkExpired, RetryableStatus, UnreachableError
from darkroom.client.network import ATTEMPTS, RETRIED_STATUS, backoff_seconds
from darkroom.contract.results import ResultFile


async def fetch(connections: Connections, result: ResultFile, path: Path) -> None:
    """Write the file to ``path``, atomically: a reader sees the old file or the complete new one.

    Retries on connection errors. Raises ``LinkExpired``, ``DownloadError`` (refused, or size or SHA-256 differ from the
    job's), ``UnreachableError``, and ``OSError`` when it cannot be written; then ``path`` is unchanged.
    """
    if result.url is None:
        raise LinkExpired
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        for number in range(ATTEMPTS):
            try:
                await _stream(connections.storage, result, result.url, temporary)
                break
            except (httpx2.TransportError, RetryableStatus) as error:
                if number == ATTEMPTS - 1:
                    raise UnreachableError(f"The {result.name} could not be downloaded: {error}.") from error
                await connections.clock.sleep(backoff_seconds(number))
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same, os.replace says it is atomic
    finally:
        temporary.unlink(missing_ok=True)


async def _stream(http: Http, result: ResultFile, url: str, temporary: Path) -> None:
    digest = hashlib.sha256()
    size = 0

    def check(response: httpx2.Response) -> None:
        if response.status_code == httpx2.codes.FORBIDDEN:
            raise LinkExpired(clock_hint(server_time(response)))
        if response.status_code in RETRIED_STATUS:
            raise RetryableStatus(f"HTTP {response.status_code}")
        if not response.is_success:
            raise DownloadError(
                "not_found" if response.status_code == httpx2.codes.NOT_FOUND else "download_failed",
                f"The storage answers {response.status_code} for the {result.name}.",
            )

    with temporary.open("wb") as file:

        def write(chunk: bytes) -> None:
            nonlocal size
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)

        await http.download(url, check, write)
    if digest.hexdigest() != result.sha256:
        raise DownloadError(
            "checksum_mismatch",
            f"The {result.name} came damaged: {size} bytes of {result.size}, and not with the job's SHA-256.",
        )
