"""Client of a Darkroom service: submit pictures and audio, watch the job, download the result."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from os import PathLike
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx2

from darkroom.client import download, file_upload
from darkroom.client.api import Api
from darkroom.client.assets import Assets
from darkroom.client.errors import (
    ClientError,
    ConnectionLost,
    DownloadError,
    JobError,
    LinkExpired,
    LocalStackError,
    UploadError,
)
from darkroom.client.input_files import FileSource, input_file
from darkroom.client.job_watcher import JobWatcher, Pace, Socket
from darkroom.client.local_stack import find_running_stack
from darkroom.client.media import extension
from darkroom.client.network import TRANSFER_TIMEOUT, loopback_mounts
from darkroom.client.request_builder import build_request
from darkroom.client.responses import Config, Created, JobPage
from darkroom.client.result_files import RESULT, downloadable_files, file_named, target_paths
from darkroom.client.service_info import ServiceInformation
from darkroom.client.sources import Source
from darkroom.client.tokens import StaticToken, TokenSource
from darkroom.client.websocket import open_socket
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import BaseRequest

Files = Mapping[str, FileSource]


class Client(ServiceInformation):
    """Client of a Darkroom service for one user.

    ``endpoint`` is the address of the HTTP API; ``token`` is a bearer token or a source of tokens (``PasswordToken``).
    Methods raise ``ProblemError`` when the service refuses and ``UnreachableError`` when it does not respond;
    idempotent requests are retried first. Use it as a context manager, or ``close`` it. Thread-safe.

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
        self.endpoint = endpoint.rstrip("/")
        self._token = StaticToken(token) if isinstance(token, str) or token is None else token
        super().__init__(Api(self.endpoint, self._token, transport=transport))
        self._storage = httpx2.Client(
            timeout=TRANSFER_TIMEOUT, mounts=loopback_mounts(), transport=storage_transport, follow_redirects=True
        )
        self._socket_url = socket_url
        self._pace = pace or Pace()
        self.assets = Assets(self._api, self._storage, self._pace)
        self._config: Config | None = None

    @classmethod
    def local(cls) -> Self:
        """Return a client of the local stack running from this directory. Raises ``LocalStackError`` if there is
        none.
        """
        stack = find_running_stack()
        if stack is None:
            raise LocalStackError("No local stack runs from this directory; start one with `darkroom up`.")
        return cls(stack.endpoint, stack.token(), socket_url=stack.socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._storage.close()

    def create(self, request: BaseRequest, *, idempotency_key: str | None = None) -> Created:
        """Create a job; return it with the presigned POSTs of its uploads.

        Repeating a call with the same ``idempotency_key``, even from another process, returns the same job (within its
        retention). A different request under the same key raises ``ProblemError`` (``idempotency_mismatch``).
        """
        return Created.model_validate(
            self._api.json(
                "POST",
                "/jobs",
                body=request.model_dump(mode="json", exclude_unset=True),
                headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            )
        )

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
        """
        body: dict[str, Any] = {"params": dict(params or {})}
        body |= {} if engine is None else {"engine": engine}
        body |= {} if allow_preview is None else {"allow_preview": allow_preview}
        body |= {} if cache else {"cache": False}
        return Created.model_validate(
            self._api.json(
                "POST",
                f"{_job(job_id)}/rerun",
                body=body,
                headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            )
        )

    def upload(self, created: Created, files: Files, *, progress: Callable[[int, int], None] | None = None) -> None:
        """Upload the content of every role, files on disk as a stream; ``progress`` gets bytes sent and total bytes.

        Only roles with a presigned POST are uploaded: no assets, nothing that an earlier ``create`` with the same key
        uploaded, nothing for a job completed from the cache. Expired forms are renewed once. Raises ``UploadError``,
        ``OSError`` (unreadable file) and ``ValueError`` (``files`` lacks an expected role, or has an unknown one).
        """
        if not set(created.uploads) <= set(files) <= set(created.job.uploads):
            raise ValueError(f"the job wants {sorted(created.uploads or created.job.uploads)}, not {sorted(files)}")
        forms = created.uploads
        contents = {role: input_file(source) for role, source in files.items() if role in forms}
        total = sum(file.size for file in contents.values())
        before = 0
        for role, file in contents.items():
            report = _offset_progress(progress, before, total)
            try:
                file_upload.upload_file(self._storage, forms[role], file, report)
            except UploadError as error:
                if error.code != ErrorCode.UPLOAD_EXPIRED:
                    raise
                forms = self.renew(created.job.job_id).uploads
                if role in forms:
                    file_upload.upload_file(self._storage, forms[role], file, report)
            before += file.size

    def renew(self, job_id: str) -> Created:
        """Return fresh presigned POSTs of a job that still waits for its uploads."""
        return Created.model_validate(self._api.json("POST", f"{_job(job_id)}/uploads"))

    def get(self, job_id: str) -> Job:
        """Return the job, with fresh URLs of its files."""
        return Job.model_validate(self._api.json("GET", _job(job_id)))

    def list(
        self, *, status: State | str | None = None, kind: Kind | str | None = None, page: int | None = None
    ) -> Iterator[Job]:
        """Yield your jobs, newest first, fetched on demand, ``page`` at a time (1 to 100, default: the service's
        20).
        """
        for body in self._api.pages("/jobs", {"status": status, "kind": kind, "limit": page}):
            yield from JobPage.model_validate(body).jobs

    def cancel(self, job_id: str) -> Job:
        """Cancel the job in any state. Raises ``ProblemError`` (``conflict``) when it has already ended."""
        return Job.model_validate(self._api.json("DELETE", _job(job_id)))

    def watch(self, job: str | Job, *, after_seq: int | None = None) -> Iterator[Job]:
        """Yield every later state of the job as it arrives, including the terminal one.

        ``job`` is its id, or the job as last seen; then only later states are yielded, and none if it has ended. Uses
        the WebSocket, reconnects by itself and resumes after the last ``seq`` seen. Falls back to polling without a
        WebSocket. Leaving the loop does not affect the job.
        """
        if isinstance(job, Job):
            if job.state.terminal:
                return iter(())
            job_id, seen = job.job_id, job.seq
        else:
            job_id, seen = job, 0
        after = seen if after_seq is None else after_seq
        return iter(JobWatcher(job_id, lambda: self.get(job_id), self._socket, after_seq=after, pace=self._pace))

    def download(self, job: Job, path: str | PathLike[str], *, name: str = "result") -> Path:
        """Write the file ``name`` (``result``, ``thumbnail``, ``srt``, …) of a completed job to ``path``, atomically.

        Verifies size and SHA-256. Raises ``JobError`` when the job has no result, ``DownloadError``,
        ``UnreachableError`` and ``OSError``; then nothing is written.
        """
        target = Path(path)
        try:
            download.fetch(self._storage, file_named(job, name), target)
        except LinkExpired:
            try:
                download.fetch(self._storage, file_named(self.get(job.job_id), name), target)
            except LinkExpired:
                raise DownloadError("forbidden", f"The storage refuses the link to the {name}.") from None
        return target

    def download_all(self, job: Job, path: str | PathLike[str]) -> tuple[Path, ...]:
        """Write all results and subtitles of a completed job, as ``download`` does; return the paths.

        ``path`` is a folder, or the file of the first result. A folder gets ``result.jpg``, ``result-2.jpg``, … or
        ``result.mp4``, ``result.srt``, ``result.vtt``, with the extension of the file's type. A file names the others
        after itself: ``fox.jpg``, ``fox-2.jpg``, …
        """
        files = downloadable_files(job)
        first = Path(path)
        if first.is_dir():
            first /= f"{RESULT}{extension(files[0].content_type)}"
        return tuple(
            self.download(job, place, name=file.name)
            for file, place in zip(files, target_paths(first, files), strict=True)
        )

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
        """
        request, contents = build_request(kind, files, params, engine=engine, allow_preview=allow_preview, cache=cache)
        created = self.create(request)
        job = created.job
        if on_change is not None:
            on_change(job)
        try:
            self.upload(created, contents)
        except (ClientError, OSError):
            self.abandon(job.job_id)
            raise
        for state in self.watch(job):
            job = state
            if on_change is not None:
                on_change(job)
        if job.state is not State.COMPLETED:
            raise JobError(job)
        return job

    def abandon(self, job_id: str) -> None:
        """Cancel the job if possible; raises nothing."""
        try:
            self.cancel(job_id)
        except ClientError:
            return

    def config(self) -> Config:
        """Return the deployment's public configuration, fetched once."""
        if self._config is None:
            self._config = Config.model_validate(self._api.json("GET", "/config"))
        return self._config

    def _socket(self) -> AbstractContextManager[Socket]:
        try:
            url = self._socket_url or self.config().socket_url
            token = self._token.token()
        except ClientError as error:
            raise ConnectionLost(str(error)) from error
        if not url:
            raise ConnectionLost("this deployment names no socket")
        return open_socket(url, token)


def _job(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _offset_progress(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    """Return the callback for one file's progress among several."""
    if progress is None:
        return None
    return lambda sent, _size: progress(before + sent, total)
