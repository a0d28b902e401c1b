"""Operations of a client over either kind of connections: the one implementation of ``Client`` and ``AsyncClient``."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from darkroom.client import clock_skew, download, file_upload
from darkroom.client.api import Api
from darkroom.client.async_assets import AsyncAssets
from darkroom.client.async_service_info import AsyncServiceInformation
from darkroom.client.connections import Connections, Socket
from darkroom.client.errors import (
    ClientError,
    ConnectionLost,
    DownloadError,
    JobError,
    LinkExpired,
    TokenExpired,
    UploadError,
)
from darkroom.client.file_upload import Progress
from darkroom.client.input_files import FileSource, InputFile, input_file
from darkroom.client.job_watcher import JobWatcher, Pace
from darkroom.client.media import extension
from darkroom.client.request_builder import build_request
from darkroom.client.responses import Config, Created, JobPage
from darkroom.client.result_files import RESULT, downloadable_files, file_named, target_paths
from darkroom.client.sources import Source
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import BaseRequest

Files = Mapping[str, FileSource]


class Operations(AsyncServiceInformation):
    """Operations on jobs, as coroutines. ``Client`` documents each."""

    def __init__(
        self, endpoint: str, connections: Connections, *, socket_url: str | None = None, pace: Pace | None = None
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        super().__init__(Api(self.endpoint, connections))
        self._connections = connections
        self._socket_url = socket_url
        self._pace = pace or Pace()
        self._config: Config | None = None
        self.assets = AsyncAssets(self._api, connections, self._pace)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def create(self, request: BaseRequest, *, idempotency_key: str | None = None) -> Created:
        """Create a job; return it with the presigned POSTs of its uploads. See ``Client.create``."""
        body = request.model_dump(mode="json", exclude_unset=True)
        return await self._create("/jobs", body, idempotency_key)

    async def rerun(
        self,
        job_id: str,
        params: Mapping[str, Any] | None = None,
        *,
        engine: str | None = None,
        allow_preview: bool | None = None,
        cache: bool = True,
        idempotency_key: str | None = None,
    ) -> Created:
        """Create the same job again with changed params or engine, without uploading again. See ``Client.rerun``."""
        body: dict[str, Any] = {"params": dict(params or {})}
        body |= {} if engine is None else {"engine": engine}
        body |= {} if allow_preview is None else {"allow_preview": allow_preview}
        body |= {} if cache else {"cache": False}
        return await self._create(f"{_job(job_id)}/rerun", body, idempotency_key)

    async def upload(self, created: Created, files: Files, *, progress: Progress | None = None) -> None:
        """Upload the content of every role that has a presigned POST. See ``Client.upload``."""
        if not set(created.uploads) <= set(files) <= set(created.job.uploads):
            raise ValueError(f"the job wants {sorted(created.uploads or created.job.uploads)}, not {sorted(files)}")
        forms = created.uploads
        contents = await self._connections.call(
            partial(_contents, {role: files[role] for role in files if role in forms})
        )
        total = sum(file.size for file in contents.values())
        before = 0
        for role, file in contents.items():
            report = _offset_progress(progress, before, total)
            try:
                await file_upload.upload_file(self._connections, forms[role], file, report)
            except UploadError as error:
                if error.code != ErrorCode.UPLOAD_EXPIRED:
                    raise
                forms = (await self.renew(created.job.job_id)).uploads
                if role in forms:
                    await file_upload.upload_file(self._connections, forms[role], file, report)
            before += file.size

    async def renew(self, job_id: str) -> Created:
        """Return fresh presigned POSTs of a job that still waits for its uploads."""
        return Created.model_validate(await self._api.json("POST", f"{_job(job_id)}/uploads"))

    async def get(self, job_id: str) -> Job:
        """Return the job, with fresh URLs of its files."""
        return Job.model_validate(await self._api.json("GET", _job(job_id)))

    async def list(
        self, *, status: State | str | None = None, kind: Kind | str | None = None, page: int | None = None
    ) -> AsyncGenerator[Job, None]:
        """Yield your jobs, newest first, fetched on demand. See ``Client.list``."""
        async with aclosing(self._api.pages("/jobs", {"status": status, "kind": kind, "limit": page})) as pages:
            async for body in pages:
                for job in JobPage.model_validate(body).jobs:
                    yield job

    async def cancel(self, job_id: str) -> Job:
        """Cancel the job in any state. Raises ``ProblemError`` (``conflict``) when it has already ended."""
        return Job.model_validate(await self._api.json("DELETE", _job(job_id)))

    async def watch(self, job: str | Job, *, after_seq: int | None = None) -> AsyncGenerator[Job, None]:
        """Yield every later state of the job as it arrives, including the terminal one. See ``Client.watch``.

        Closing the generator, or cancelling the task that waits for it, closes its connection.
        """
        job_id, seen = (job.job_id, job.seq) if isinstance(job, Job) else (job, 0)
        if isinstance(job, Job) and job.ended:
            return
        after = seen if after_seq is None else after_seq
        fetch = partial(self.get, job_id)
        watcher = JobWatcher(
            job_id,
            fetch,
            self._open_socket,
            self._connections.clock,
            after_seq=after,
            params=job.params if isinstance(job, Job) else None,
            pace=self._pace,
        )
        async with aclosing(watcher.states()) as states:
            async for state in states:
                yield state

    async def download(self, job: Job, path: str | PathLike[str], *, name: str = RESULT) -> Path:
        """Write the file ``name`` of a completed job to ``path``, atomically. See ``Client.download``."""
        target = Path(path)
        try:
            await download.fetch(self._connections, file_named(job, name), target)
        except LinkExpired:
            try:
                await download.fetch(self._connections, file_named(await self.get(job.job_id), name), target)
            except LinkExpired as expired:
                hint = str(expired)
                code = clock_skew.CODE if hint else "forbidden"
                raise DownloadError(code, f"The storage refuses the link to the {name}.{hint}") from None
        return target

    async def download_all(self, job: Job, path: str | PathLike[str]) -> tuple[Path, ...]:
        """Write all results and subtitles of a completed job; return the paths. See ``Client.download_all``."""
        files = downloadable_files(job)
        first = Path(path)
        if first.is_dir():
            first /= f"{RESULT}{extension(files[0].content_type)}"
        written = []
        for file, place in zip(files, target_paths(first, files), strict=True):
            written.append(await self.download(job, place, name=file.name))
        return tuple(written)

    async def run(
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
        """Submit a job, upload its files, wait for it, and return the completed job. See ``Client.run``.

        A cancelled task closes its connections. The job goes on; ``cancel`` ends it.
        """
        build = partial(build_request, kind, files, params, engine=engine, allow_preview=allow_preview, cache=cache)
        request, contents = await self._connections.call(build)
        created = await self.create(request)
        job = created.job
        if on_change is not None:
            on_change(job)
        try:
            await self.upload(created, contents)
        except Exception:
            await self.abandon(job.job_id)
            raise
        async with aclosing(self.watch(job)) as states:
            async for state in states:
                job = state
                if on_change is not None:
                    on_change(job)
        if job.state is not State.COMPLETED:
            raise JobError(job)
        return job

    async def abandon(self, job_id: str) -> None:
        """Cancel the job if possible; raises nothing."""
        try:
            await self.cancel(job_id)
        except ClientError:
            return

    async def config(self) -> Config:
        """Return the deployment's public configuration, fetched once."""
        if self._config is None:
            self._config = Config.model_validate(await self._api.json("GET", "/config"))
        return self._config

    async def _create(self, path: str, body: dict[str, Any], idempotency_key: str | None) -> Created:
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return Created.model_validate(await self._api.json("POST", path, body=body, headers=headers))

    @asynccontextmanager
    async def _open_socket(self) -> AsyncIterator[Socket]:
        try:
            url = self._socket_url or (await self.config()).socket_url
            token = await self._connections.token()
        except ClientError as error:
            raise ConnectionLost(str(error)) from error
        if not url:
            raise ConnectionLost("this deployment names no socket")
        try:
            async with self._connections.open_socket(url, token) as socket:
                yield socket
        except TokenExpired:
            await self._discard(token)
            raise

    async def _discard(self, token: str | None) -> None:
        """Discard an expired token, unless it has been renewed meanwhile."""
        try:
            if await self._connections.token() == token:
                self._connections.forget_token()
        except ClientError as error:
            raise ConnectionLost(str(error)) from error


def _contents(files: Files) -> dict[str, InputFile]:
    return {role: input_file(source) for role, source in files.items()}


def _job(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='', errors='surrogateescape')}"


def _offset_progress(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Return the callback for one file's progress among several."""
    if progress is None:
        return None
    return lambda sent, _size: progress(before + sent, total)
