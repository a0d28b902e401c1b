"""Fake service in this process, on real sockets: the API, the storage and the WebSocket, scripted by each test."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from darkroom.contract.jobs import Job
from tests.darkroom.asgi_server import serving
from tests.darkroom.fake_assets import Library, described_uploads
from tests.darkroom.jobs import RESULT, completed, job, job_message
from tests.darkroom.responses import START, problem

TOKEN = "letmein"


class Service:
    """State and behaviour of the fake service; a test changes it before or while it runs."""

    def __init__(self) -> None:
        self.url = ""
        self.token = TOKEN  # the one that is valid
        self.job = job()
        self.story: list[Job] | None = None  # after the upload; None: happy ends
        self.uploads: list[dict[str, bytes]] = []
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[Response] = []  # served first, one for each call of the API
        self.storage_answers: list[Response] = []  # the same for the storage
        self.socket_offered = True
        self.subscriptions: list[dict[str, Any]] = []
        self.message_of = job_message  # what the socket sends of a job
        self.on_subscribe: Callable[[dict[str, Any]], None] = lambda _message: None
        self.cancel_hangs = False
        self.cached = False  # whether the next job was done before
        self.result_count = 1  # how many pictures a job makes
        self.content_type = "image/jpeg"  # of the pictures that a job makes
        self.files: dict[str, bytes] = {}  # the last part of a result's address → what is there, else RESULT
        self.library = Library(self.form)
        self.reports: dict[str, Any] = {}  # path → answer of what the service says of itself
        self._missing = 0  # uploads that the job still waits for
        self._referenced: set[str] = set()  # roles that are given something that is there already
        self._changed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def keys(self, method: str, path: str) -> list[dict[str, str]]:
        """The headers of every such request."""
        return [headers for each, where, headers, _ in self.requests if (each, where) == (method, path)]

    def change(self, new: Job) -> None:
        """The job is now ``new``: whoever watches is told."""
        self.job = new
        if self._loop is not None and self._changed is not None:
            self._loop.call_soon_threadsafe(self._changed.set)

    def expire_token(self, successor: str) -> None:
        """Another token is valid now: open sockets are told so, and closed."""
        self.token = successor
        self.change(self.job)

    def completing_states(self) -> list[Job]:
        return [
            job(2, "queued", job_id=self.job.job_id),
            job(3, "running", job_id=self.job.job_id, progress=0.4, stage="depth", message="Measuring the room"),
            self.done(4),
        ]

    def done(self, seq: int, **fields: Any) -> Job:
        """The job, completed."""
        url = f"{self.url}/results/result.jpg"
        same = self.job.model_dump(include={"job_id", "kind", "params"})
        return completed(seq, url, count=self.result_count, content_type=self.content_type, **same, **fields)

    # The API.

    async def create(self, request: Request) -> Response:
        body = await request.json()
        asked = body.get("uploads", {})
        self._referenced = {role for role, each in asked.items() if "content_type" not in each}
        self.job = job(kind=body["kind"], params=body.get("params", {}), uploads=described_uploads(asked))
        return self._start()

    async def rerun(self, request: Request) -> Response:
        body = await request.json()
        uploads = {role: each.model_dump() for role, each in self.job.uploads.items()}
        params = {**self.job.params, **body["params"]}
        self.job = job(kind=self.job.kind, params=params, uploads=uploads, job_id="c" * 32)
        return self._start(copied=True)

    def _start(self, *, copied: bool = False) -> Response:
        """The new job: done already, on its way when there is nothing to upload, or waiting."""
        self._missing = 0 if copied else len(set(self.job.uploads) - self._referenced)
        if self.cached:
            self.job = self.done(1, cached=True)
        elif not self._missing:
            asyncio.get_running_loop().create_task(self._advance_states())
        return self._created(201, copied=copied)

    async def renew(self, _request: Request) -> Response:
        return self._created(200)

    def form(self, key: str) -> dict[str, Any]:
        """A presigned POST."""
        expires = (START + timedelta(minutes=15)).isoformat()
        fields = {"key": key, "Content-Type": "image/jpeg"}
        return {"url": f"{self.url}/storage", "fields": fields, "expires_at": expires}

    def _created(self, status: int, *, copied: bool = False) -> Response:
        waited = {} if self.job.state.terminal or copied else self.job.uploads
        uploads = {role: self.form(f"uploads/a/{role}") for role in waited if role not in self._referenced}
        return JSONResponse({"job": self.job.model_dump(mode="json"), "uploads": uploads}, status)

    async def get(self, request: Request) -> Response:
        if request.path_params["job_id"] != self.job.job_id:
            return problem(404, "not_found", "There is no such job.")
        return JSONResponse(self.job.model_dump(mode="json"))

    async def cancel(self, _request: Request) -> Response:
        while self.cancel_hangs:
            await asyncio.sleep(0.01)
        if self.job.state.terminal:
            return problem(409, "conflict", "The job has already ended.")
        self.change(job(self.job.seq + 1, "cancelled", error={"code": "cancelled", "message": "Cancelled."}))
        return JSONResponse(self.job.model_dump(mode="json"))

    async def jobs(self, request: Request) -> Response:
        page = int(request.query_params.get("cursor", 0))
        found = [job(1, job_id=f"{number:032x}") for number in range(page * 2, page * 2 + 2)]
        cursor = str(page + 1) if page < 2 else None
        return JSONResponse({"jobs": [each.model_dump(mode="json") for each in found], "cursor": cursor})

    async def styles(self, request: Request) -> Response:
        card: dict[str, Any] = {"name": "modern", "title": "Modern", "description": "Clean."}
        card["palette"] = ["#ffffff", "#000000"]
        if request.query_params.get("kind") == "generate":
            card = {"name": "neon", "title": "Neon", "description": "At night.", "palette": []}
        return JSONResponse({"styles": [card]})

    async def report(self, request: Request) -> Response:
        found = self.reports.get(f"{request.method} {request.url.path}")
        return problem(403, "forbidden", "For administrators.") if found is None else JSONResponse(found)

    async def health(self, _request: Request) -> Response:
        part = {"status": "down", "milliseconds": 3.0, "reason": "unreachable"}
        return JSONResponse({"type": "about:blank", "status": 503, "parts": {"queue": part}}, 503)

    async def config(self, _request: Request) -> Response:
        socket_url = self.url.replace("http", "ws") + "/socket" if self.socket_offered else None
        return JSONResponse({"socket_url": socket_url, "region": "us-east-1"})

    # The storage.

    async def store(self, request: Request) -> Response:
        form = email.message_from_bytes(
            b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + await request.body(),
            policy=email.policy.HTTP,
        )
        if self.storage_answers:
            return self.storage_answers.pop(0)
        parts = {str(part.get_param("name", header="content-disposition")): part for part in form.iter_parts()}
        self.uploads.append({name: part.get_payload(decode=True) for name, part in parts.items()})
        key = self.uploads[-1]["key"].decode()
        if key.startswith("assets/"):
            self.library.arrived(key.removeprefix("assets/"))
            return Response(status_code=204)
        self._missing -= 1
        if self._missing <= 0:
            asyncio.create_task(self._advance_states()).add_done_callback(lambda _task: None)
        return Response(status_code=204)

    async def _advance_states(self) -> None:
        # A client that subscribes late would miss the first states. One that only polls does not subscribe.
        for _ in range(200 if self.socket_offered else 0):
            if self.subscriptions:
                break
            await asyncio.sleep(0.01)
        for each in self.completing_states() if self.story is None else self.story:
            if not self.job.state.terminal:
                self.change(each)
                await asyncio.sleep(0.01)

    async def result(self, request: Request) -> Response:
        if self.storage_answers:
            return self.storage_answers.pop(0)
        return Response(self.files.get(request.path_params["name"], RESULT), media_type="image/jpeg")

    # The WebSocket.

    async def socket(self, socket: WebSocket) -> None:
        token = socket.query_params.get("token")
        if token != self.token:
            await socket.close()
            return
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            message = await socket.receive_json()
            self.subscriptions.append(message)
            self.on_subscribe(message)
            if message["job_id"] != self.job.job_id:
                error = {"code": "not_found", "message": "There is no such job."}
                await socket.send_json({"type": "error", "error": error, "job_id": message["job_id"]})
            seq = message.get("after_seq", 0)
            if self.job.seq <= seq:
                await socket.send_json({"type": "subscribed", "job_id": message["job_id"], "seq": self.job.seq})
            assert self._changed is not None
            while True:
                self._changed.clear()
                if token != self.token:
                    await socket.send_json({"type": "error", "error": {"code": "unauthorized", "message": "Expired."}})
                    await socket.close()
                    return
                if self.job.seq > seq:
                    seq = self.job.seq
                    await socket.send_json(self.message_of(self.job))
                if self.job.state.terminal:
                    await socket.receive()
                    return
                await self._changed.wait()

    # The server.

    async def _guard(self, request: Request, handler: Callable[[Request], Any]) -> Response:
        path = request.url.path
        body = await request.json() if (await request.body()) and request.method == "POST" else None
        self.requests.append((request.method, path, dict(request.headers), body))
        if self.answers:
            return self.answers.pop(0)
        if path != "/config" and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "Unauthorized"}, 401)
        answer: Response = await handler(request)
        return answer

    def app(self) -> Starlette:
        def api(handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
            async def guarded(request: Request) -> Response:
                return await self._guard(request, handler)

            return guarded

        return Starlette(
            routes=[
                Route("/jobs", api(self.create), methods=["POST"]),
                Route("/jobs", api(self.jobs), methods=["GET"]),
                Route("/jobs/{job_id}", api(self.get), methods=["GET"]),
                Route("/jobs/{job_id}", api(self.cancel), methods=["DELETE"]),
                Route("/jobs/{job_id}/uploads", api(self.renew), methods=["POST"]),
                Route("/jobs/{job_id}/rerun", api(self.rerun), methods=["POST"]),
                Route("/assets", api(self.library.create), methods=["POST"]),
                Route("/assets", api(self.library.page), methods=["GET"]),
                Route("/assets/{asset_id}", api(self.library.get), methods=["GET"]),
                Route("/assets/{asset_id}", api(self.library.remove), methods=["DELETE"]),
                Route("/stats", api(self.report)),
                Route("/services", api(self.report)),
                Route("/limits", api(self.report)),
                Route("/avatars", api(self.report)),
                Route("/voices", api(self.report)),
                Route("/cache/stats", api(self.report)),
                Route("/cache", api(self.report), methods=["DELETE"]),
                Route("/prompts/enhance", api(self.report), methods=["POST"]),
                Route("/styles", api(self.styles)),
                Route("/health", api(self.health)),
                Route("/config", api(self.config)),
                Route("/storage", self.store, methods=["POST"]),
                Route("/results/{name}", self.result),
                WebSocketRoute("/socket", self.socket),
            ]
        )

    @contextlib.contextmanager
    def running(self) -> Iterator["Service"]:
        """Serve on a free port of 127.0.0.1, in a thread."""

        def prepare() -> None:
            self._loop = asyncio.get_running_loop()
            self._changed = asyncio.Event()

        with serving(self.app(), prepare) as self.url:
            yield self
