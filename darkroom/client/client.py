"""Client of a Darkroom service: submit pictures and audio, watch the job, download the result."""

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

import httpx2

from darkroom.client.assets import Assets
from darkroom.client.blocking import BlockingConnections, iterate_blocking, run_blocking
from darkroom.client.job_watcher import Pace
from darkroom.client.local_stack import find_running_stack, require_stack
from darkroom.client.operations import Files, Operations
from darkroom.client.responses import Config, Created
from darkroom.client.service_info import ServiceInformation
from darkroom.client.sources import Source
from darkroom.client.tokens import StaticToken, TokenSource
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import BaseRequest


class Client(ServiceInformation):
    """Client of a Darkroom service for one user.

    ``endpoint`` is the address of the HTTP API; ``token`` is a bearer token or a source of tokens (``PasswordToken``).
    Methods raise ``ProblemError`` when the service refuses and ``UnreachableError`` when it does not respond;
    idempotent requests are retried first. Use it as a context manager, or ``close`` it. Thread-safe. ``AsyncClient`` is
    the same for asyncio.

    >>> with Client("https://api.example.com", token="…") as darkroom:  # doctest: +SKIP
    ...     for job in darkroom.list(status="completed"):
    ...         print(job.job_id, job.kind, job.cost_usd)
    """

    def __init__(
        self,
        endpoint: str,
        token: str | TokenSource | None = None,
        *,
        socket_url: str | None = None,
        pace: Pace | None = None,
        transport: httpx2.BaseTransport | None = None,
        storage_transport: httpx2.BaseTransport | None = None,
    ) -> None:
        tokens = StaticToken(token) if isinstance(token, str) or token is None else token
        connections = BlockingConnections(tokens, transport, storage_transport)
        self._operations = Operations(endpoint, connections, socket_url=socket_url, pace=pace)
        super().__init__(self._operations)
        self.endpoint = self._operations.endpoint
        self.assets = Assets(self._operations.assets)

    @classmethod
    def local(cls) -> Self:
        """Return a client of the local stack running from this directory. Raises ``LocalStackError`` if there is
        none.
        """
        stack = require_stack(find_running_stack())
        return cls(stack.endpoint, stack.token(), socket_url=stack.socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        run_blocking(self._operations.aclose())

    def create(self, request: BaseRequest, *, idempotency_key: str | None = None) -> Created:
        """Create a job; return it with the presigned POSTs of its uploads.

        Repeating a call with the same ``idempotency_key``, even from another process, returns the same job (within its
        retention). A different request under the same key raises ``ProblemError`` (``idempotency_mismatch``).

        >>> request, contents = build_request("upscale", "room.jpg", {"scale": 2})  # doctest: +SKIP
        >>> created = darkroom.create(request, idempotency_key="order-17")  # doctest: +SKIP
        >>> darkroom.upload(created, contents)  # doctest: +SKIP
        """
        return run_blocking(self._operations.create(request, idempotency_key=idempotency_key))

    def rerun(
        self,
        job_id: str,
        params: Mapping[str, Any] | None = None,
        *,
        engine: str | None = None,
        allow_preview: bool | None = None,
        cache: bool = True,
        idempotency_key: str | None = None,
    ) -> Created:
        """Create the same job again with changed params or engine, without uploading again.

        Params not in ``params`` stay as they were. Watch ``created.job``; ``idempotency_key`` is as for ``create``.

        >>> created = darkroom.rerun(job.job_id, {"style": "boho"})  # doctest: +SKIP
        """
        return run_blocking(
            self._operations.rerun(
                job_id,
                params,
                engine=engine,
                allow_preview=allow_preview,
                cache=cache,
                idempotency_key=idempotency_key,
            )
        )

    def upload(self, created: Created, files: Files, *, progress: Callable[[int, int], None] | None = None) -> None:
        """Upload the content of every role, files on disk as a stream; ``progress`` gets bytes sent and total bytes.

        Only roles with a presigned POST are uploaded: no assets, nothing that an earlier ``create`` with the same key
        uploaded, nothing for a job completed from the cache. Expired forms are renewed once. Raises ``UploadError``,
        ``OSError`` (unreadable file) and ``ValueError`` (``files`` lacks an expected role, or has an unknown one).
        """
        run_blocking(self._operations.upload(created, files, progress=progress))

    def renew(self, job_id: str) -> Created:
        """Return fresh presigned POSTs of a job that still waits for its uploads."""
        return run_blocking(self._operations.renew(job_id))

    def get(self, job_id: str) -> Job:
        """Return the job, with fresh URLs of its files."""
        return run_blocking(self._operations.get(job_id))

    def list(
        self, *, status: State | str | None = None, kind: Kind | str | None = None, page: int | None = None
    ) -> Iterator[Job]:
        """Yield your jobs, newest first, fetched on demand, ``page`` at a time (1 to 100, default: the service's
        20).
        """
        return iterate_blocking(self._operations.list(status=status, kind=kind, page=page))

    def cancel(self, job_id: str) -> Job:
        """Cancel the job in any state. Raises ``ProblemError`` (``conflict``) when it has already ended."""
        return run_blocking(self._operations.cancel(job_id))

    def watch(self, job: str | Job, *, after_seq: int | None = None) -> Iterator[Job]:
        """Yield every later state of the job as it arrives, including the terminal one.

        ``job`` is its id, or the job as last seen; then only later states are yielded, and none if it has ended. Uses
        the WebSocket, reconnects by itself and resumes after the last ``seq`` seen. Falls back to polling without a
        WebSocket. Leaving the loop does not affect the job.

        >>> for job in darkroom.watch(created.job):  # doctest: +SKIP
        ...     print(job.state, job.stage, f"{job.progress:.0%}")
        """
        return iterate_blocking(self._operations.watch(job, after_seq=after_seq))

    def download(self, job: Job, path: str | PathLike[str], *, name: str = "result") -> Path:
        """Write the file ``name`` (``result``, ``thumbnail``, ``srt``, …) of a completed job to ``path``, atomically.

        Verifies size and SHA-256. Raises ``JobError`` when the job has no result, ``DownloadError``,
        ``UnreachableError`` and ``OSError``; then nothing is written.

        >>> darkroom.download(job, "restyled.jpg")  # doctest: +SKIP
        """
        return run_blocking(self._operations.download(job, path, name=name))

    def download_all(self, job: Job, path: str | PathLike[str]) -> tuple[Path, ...]:
        """Write all results and subtitles of a completed job, as ``download`` does; return the paths.

        ``path`` is a folder, or the file of the first result. A folder gets ``result.jpg``, ``result-2.jpg``, … or
        ``result.mp4``, ``result.srt``, ``result.vtt``, with the extension of the file's type. A file names the others
        after itself: ``fox.jpg``, ``fox-2.jpg``, …
        """
        return run_blocking(self._operations.download_all(job, path))

    def run(
        self,
        kind: Kind | str,
        files: Mapping[str, Source] | Source | None = None,
        *,
        engine: str | None = None,
        allow_preview: bool = False,
        cache: bool = True,
        on_change: Callable[[Job], None] | None = None,
        **params: Any,
    ) -> Job:
        """Submit a job, upload its files, wait for it, and return the completed job.

        ``files`` maps roles to sources: a path, ``bytes``, an open binary file, a picture of Pillow, a picture of your
        library (``AssetReference``) or an avatar (``AvatarReference``). Open files are read once, from their current
        position. A single source suffices for a kind with one required role; kinds without inputs take none. For
        ``render_scenes``, ``client.scenes.read`` makes roles and params from a JSON file. An identical earlier job's
        result is reused unless ``cache`` is false. ``on_change`` is called with every state. Raises ``JobError`` when
        the job ends without a result, and ``ValueError`` (for params pydantic's ``ValidationError``) when the contract
        does not allow the request. A job whose upload fails is cancelled.

        >>> job = darkroom.run("restyle_room", "room.jpg", style="scandinavian")  # doctest: +SKIP
        >>> job = darkroom.run("upscale", open("room.jpg", "rb"), scale=2)  # doctest: +SKIP
        >>> with Image.open("room.jpg") as room:  # doctest: +SKIP
        ...     job = darkroom.run("inpaint", {"photo": room, "mask": mask_png}, prompt="a plant")
        """
        return run_blocking(
            self._operations.run(
                kind,
                files,
                engine=engine,
                allow_preview=allow_preview,
                cache=cache,
                on_change=on_change,
                **params,
            )
        )

    def abandon(self, job_id: str) -> None:
        """Cancel the job if possible; raises nothing."""
        run_blocking(self._operations.abandon(job_id))

    def config(self) -> Config:
        """Return the deployment's public configuration, fetched once."""
        return run_blocking(self._operations.config())
