"""Downloads of results: streamed, verified and written atomically."""

import hashlib
import tempfile
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx2

from darkroom.client.clock_skew import clock_hint, server_time
from darkroom.client.connections import Connections, Http
from darkroom.client.errors import DownloadError, LinkExpired, RetryableStatus, UnreachableError
from darkroom.client.network import ATTEMPTS, RETRIED_STATUS, backoff_seconds
from darkroom.client.output_files import is_stream, replacing, write_into
from darkroom.contract.results import ResultFile

# S3 answers 403 to an expired link, and 400 (ExpiredToken) once the session of the function that signed it has ended.
EXPIRED_STATUS = frozenset({httpx2.codes.FORBIDDEN, httpx2.codes.BAD_REQUEST})


async def fetch(connections: Connections, result: ResultFile, path: Path) -> None:
    """Write the file to ``path``, atomically: a reader sees the old file or the complete new one.

    Symbolic links are followed. A device or a pipe is written into, once the file is complete. Retries on connection
    errors. Raises ``LinkExpired``, ``DownloadError`` (refused, or size or SHA-256 differ from the job's),
    ``UnreachableError``, and ``OSError`` when it cannot be written; then ``path`` is unchanged.
    """
    if result.url is None:
        raise LinkExpired
    if is_stream(path):
        # As ``replacing`` does it, but a pipe may wait for its reader: the event loop must not.
        with tempfile.TemporaryFile() as file:
            await _download(connections, result, result.url, file)
            await connections.call(partial(write_into, path, file))
    else:
        with replacing(path) as file:
            await _download(connections, result, result.url, file)


async def _download(connections: Connections, result: ResultFile, url: str, file: BinaryIO) -> None:
    for number in range(ATTEMPTS):
        file.seek(0)
        file.truncate()
        try:
            await _stream(connections.storage, result, url, file)
        except (httpx2.TransportError, RetryableStatus) as error:
            if number == ATTEMPTS - 1:
                raise UnreachableError(f"The {result.name} could not be downloaded: {error}.") from error
            await connections.clock.sleep(backoff_seconds(number))
        else:
            return


async def _stream(http: Http, result: ResultFile, url: str, file: BinaryIO) -> None:
    digest = hashlib.sha256()
    size = 0

    def check(response: httpx2.Response) -> None:
        if response.status_code in EXPIRED_STATUS:
            raise LinkExpired(clock_hint(server_time(response)))
        if response.status_code in RETRIED_STATUS:
            raise RetryableStatus(f"HTTP {response.status_code}")
        if not response.is_success:
            raise DownloadError(
                "not_found" if response.status_code == httpx2.codes.NOT_FOUND else "download_failed",
                f"The storage answers {response.status_code} for the {result.name}.",
            )

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
