"""Caller of the deployed stack by plain HTTP and WebSocket, using only what docs/api.md documents."""

import hashlib
import io
import json
import uuid
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from darkroom.contract.file_signatures import audio_type_of, content_type_of
from darkroom.contract.jobs import State

TIMEOUT_SECONDS = 60  # seconds; a job that takes longer hangs
JobDict = dict[str, Any]


class Socket:
    """An open WebSocket, with its messages as they come."""

    def __init__(self, connection: ClientConnection, silence_seconds: float) -> None:
        self._connection = connection
        self._silence_seconds = silence_seconds

    def send(self, **message: Any) -> None:
        self._connection.send(json.dumps(message))

    def receive(self) -> JobDict:
        """Return the next message. Raises ``TimeoutError`` after a silence."""
        message: JobDict = json.loads(self._connection.recv(timeout=self._silence_seconds))
        return message

    def jobs(self, job_id: str) -> Iterator[JobDict]:
        """The states of one job as they arrive, up to and including the terminal one."""
        while True:
            message = self.receive()
            if message["type"] == "job" and message["job"]["job_id"] == job_id:
                yield message["job"]
                if State(message["job"]["state"]).terminal:
                    return

    def until(self, job_id: str, state: str) -> JobDict:
        """Wait for a state; fails at once when the job ends in another one."""
        for job in self.jobs(job_id):
            if job["state"] == state:
                return job
        raise AssertionError(f"the job ended as {job['state']}, never {state}: {job['error']}")


class Caller:
    """One signed-in user."""

    def __init__(self, endpoint: str, socket_url: str, token: str | None, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.socket_url = socket_url
        self.token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx2.Client(base_url=endpoint, headers=headers, timeout=timeout)
        weakref.finalize(self, self.http.close)

    @contextmanager
    def socket(self, silence_seconds: float = TIMEOUT_SECONDS) -> Iterator[Socket]:
        query = f"?{urlencode({'token': self.token})}" if self.token else ""
        with connect(self.socket_url + query, open_timeout=TIMEOUT_SECONDS, close_timeout=1) as connection:
            yield Socket(connection, silence_seconds)

    def create(
        self,
        *,
        content_type: str = "image/jpeg",
        upload: JobDict | None = None,
        key: str | None = None,
        engine: str | None = None,
        **params: Any,
    ) -> httpx2.Response:
        """POST a restyle job; ``upload`` adds to what is declared about the photo."""
        body = {
            "kind": "restyle_room",
            "engine": engine,
            "cache": False,
            "params": {"style": "scandinavian", **params},
            "uploads": {"photo": {"content_type": content_type, **(upload or {})}},
        }
        return self.http.post("/jobs", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    def submit(
        self,
        kind: str,
        params: JobDict | None = None,
        files: Mapping[str, bytes | JobDict] | None = None,
        *,
        declared: bool = False,
        key: str | None = None,
        **request: Any,
    ) -> httpx2.Response:
        """POST a job of any kind; ``files`` maps roles to files, or to what stands in place of an upload.

        ``declared``: with the SHA-256 of each file. Nothing comes from the cache unless ``cache`` says so.
        """
        uploads = {
            role: file if isinstance(file, dict) else declaration(file, declared)
            for role, file in (files or {}).items()
        }
        body = {"kind": kind, "cache": False, "params": params or {}, "uploads": uploads, **request}
        return self.http.post("/jobs", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    def run(
        self,
        kind: str,
        params: JobDict | None = None,
        files: Mapping[str, bytes | JobDict] | None = None,
        **request: Any,
    ) -> JobDict:
        """Ask, upload what has a form, and wait for the end, whatever it is."""
        response = self.submit(kind, params, files, **request)
        assert response.status_code == httpx2.codes.CREATED, response.text
        return self.upload_and_wait(response.json(), files or {})

    def upload_and_wait(self, created: JobDict, files: Mapping[str, bytes | JobDict]) -> JobDict:
        """Upload what a created job waits for, and wait for its end."""
        for role, ticket in created["uploads"].items():
            data = files[role]
            assert isinstance(data, bytes)
            response = upload(ticket, data)
            assert response.is_success, response.text
        job: JobDict = created["job"]
        return job if State(job["state"]).terminal else self.finish(job["job_id"])

    def created(self, **options: Any) -> tuple[str, JobDict]:
        """A new job's id and the presigned POST of its photo."""
        response = self.create(**options)
        assert response.status_code == httpx2.codes.CREATED, response.text
        body = response.json()
        return body["job"]["job_id"], body["uploads"]["photo"]

    def get(self, job_id: str) -> JobDict:
        response = self.http.get(f"/jobs/{job_id}")
        assert response.status_code == httpx2.codes.OK, response.text
        job: JobDict = response.json()
        return job

    def cancel(self, job_id: str) -> httpx2.Response:
        return self.http.delete(f"/jobs/{job_id}")

    def finish(self, job_id: str) -> JobDict:
        """Watch the job over a WebSocket until it has ended."""
        with self.socket() as socket:
            socket.send(action="subscribe", job_id=job_id)
            *_, last = socket.jobs(job_id)
            return last

    def restyle(self, data: bytes, **options: Any) -> JobDict:
        """Create, upload and wait for the end, whatever it is."""
        job_id, ticket = self.created(**options)
        response = upload(ticket, data)
        assert response.is_success, response.text
        return self.finish(job_id)


def declaration(data: bytes, declared: bool) -> JobDict:
    """Declaration of a file before its upload."""
    content_type = audio_type_of(data) or content_type_of(data) or "image/jpeg"
    digest = {"sha256": hashlib.sha256(data).hexdigest()} if declared else {}
    return {"content_type": content_type, **digest}


def picture(job: JobDict, name: str = "result") -> Image.Image:
    """A completed job's picture, fetched by its link."""
    assert job["state"] == "completed", job["error"]
    url = next(each["url"] for each in job["result"]["pictures"] if each["name"] == name)
    response = httpx2.get(url, timeout=TIMEOUT_SECONDS)
    assert response.is_success, response.text
    image = Image.open(io.BytesIO(response.content))
    image.load()
    return image


def upload(ticket: JobDict, data: bytes, **changed: str) -> httpx2.Response:
    """Send the presigned POST; ``changed`` replaces form fields, for those who try."""
    fields = {**ticket["fields"], **changed}
    return httpx2.post(ticket["url"], data=fields, files={"file": ("photo", data)}, timeout=TIMEOUT_SECONDS)
