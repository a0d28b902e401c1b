"""Local stack for tests and benchmarks: a context manager with clients and URLs."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from cloud.lane import PreviewOn
from darkroom.client.ports import free_port
from infra.bundling import studio as site
from infra.local import emulator, runtime, users
from infra.local.access.routes import EXECUTIONS
from infra.local.clients import Clients, sign
from infra.local.options import StackOptions
from infra.local.progress import Progress, Say, silent
from infra.local.state import RootKey, RunningProcesses, StackState
from infra.local.studio import launch as studio

_IDLE_SECONDS = 120.0  # longer than the 90 s after which a message that a function has received comes again
_POLL_SECONDS = 0.05


class LocalStack:
    """The whole stack in ``folder``, running while the context is entered.

    ``port`` defaults to a free one. ``context`` is the CDK app's (``infra.config.Config``) and may include the
    stand-in's settings (``infra.local.options.STAND_IN_KEYS``; ``stages="noop"`` does no work, ``weights`` is the
    models engine's folder). ``faults`` are initial fault switches (``infra.local.endpoint.faults``). ``studio`` builds
    and serves the studio; entering may then raise ``BuildError``. ``keep`` saves the state while the stack
    runs and when it stops, which may take seconds; without it, the stack cannot be started again.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        context: Mapping[str, object] | None = None,
        faults: Mapping[str, object] | None = None,
        studio: bool = False,
        keep: bool = True,
        say: Say = silent,
    ) -> None:
        self._options = StackOptions(folder, port or free_port(), context, snapshots=keep)
        self._faults = dict(faults or {})
        self._studio = studio
        self._keep = keep
        self._say = say
        self._state: StackState | None = None
        self._key = RootKey.of(self._options.folder)
        self._clients = Clients(self._options.port, self._key)
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, or restart after ``stop`` with the saved state."""
        if self._studio:
            self._options.studio = site.build_studio()
        self._state = runtime.up(self._options, Progress(self._say))
        if self._faults:
            self._set_faults(self._faults)

    def stop(self) -> None:
        """Stop; the state is saved in the folder if ``keep`` is set."""
        runtime.down(self._options.folder, save=self._keep)

    def running(self) -> bool:
        """Return True while a process of the stack runs."""
        running = RunningProcesses.read(self.folder)
        return running is not None and any(process.find() for process in running.processes().values())

    # Locations.

    @property
    def folder(self) -> Path:
        """Folder of the stack's state and logs."""
        return self._options.folder

    @property
    def state(self) -> StackState:
        """State of the running stack."""
        assert self._state is not None, "the stack was not started"
        return self._state

    @property
    def endpoint(self) -> str:
        """URL of the REST API."""
        return self.state.endpoint

    @property
    def socket(self) -> str:
        """URL of the WebSocket API; needs ``?token=``."""
        return self.state.socket

    @property
    def studio_url(self) -> str:
        """URL of the studio, without a trailing slash."""
        assert self.state.studio_url is not None, "the stack was started without the studio"
        return self.state.studio_url

    @property
    def studio_link(self) -> str:
        """Link to the studio with the key for the local user's password."""
        return studio.link(self.folder, self.studio_url)

    @property
    def bucket(self) -> str:
        return self.state.bucket

    @property
    def jobs_table(self) -> str:
        return self.state.tables.jobs

    @property
    def queue_url(self) -> str:
        """URL of the queue between ``uploaded`` and ``dispatch``."""
        return self.state.queue

    def client(self, service: str) -> Any:
        """Return a boto3 client with root rights."""
        return self._clients(service)

    def token_for(self, username: str) -> str:
        """Return an access token of a user, who is created if needed."""
        if username not in self._tokens:
            auth = self.state.auth
            password = auth.password if username == auth.username else users.make_password()
            if username != auth.username:
                users.make_user(self._clients, self.state.pool_id, username, password)
            self._tokens[username] = users.sign_in(auth.url, auth.client_id, username, password)
        return self._tokens[username]

    # Operations.

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function and return its result. Raises ``RuntimeError`` with its error when it fails."""
        response = self.client("lambda").invoke(
            FunctionName=self.state.functions[function], Payload=json.dumps(event).encode()
        )
        payload = json.loads(response["Payload"].read() or b"null")
        if "FunctionError" in response:
            raise RuntimeError(f"{function}: {payload}")
        return payload

    def environments(self) -> dict[str, dict[str, str]]:
        """Return each function's environment with the emulator's, for importing its module in another process."""
        client = self.client("lambda")
        environments = {}
        for name, physical in self.state.functions.items():
            configuration = client.get_function_configuration(FunctionName=physical)
            environments[name] = {
                **emulator.credentials(self._options.port, self._key),
                **emulator.TRACING_DISABLED,
                "AWS_LAMBDA_FUNCTION_NAME": physical,
                **configuration["Environment"]["Variables"],
            }
        return environments

    @contextmanager
    def faults(self, **switches: object) -> Iterator[None]:
        """Set fault switches of the endpoint until the block ends."""
        before = self._set_faults({})
        self._set_faults(switches)
        try:
            yield
        finally:
            self._set_faults({name: before[name] for name in switches})

    @contextmanager
    def paused(self, function: str) -> Iterator[None]:
        """Pause a function's queue or stream until the block ends."""
        client = self.client("lambda")
        mappings = client.list_event_source_mappings(FunctionName=self.state.functions[function])
        names = [mapping["UUID"] for mapping in mappings["EventSourceMappings"]]
        for name in names:
            client.update_event_source_mapping(UUID=name, Enabled=False)
        try:
            yield
        finally:
            for name in names:
                client.update_event_source_mapping(UUID=name, Enabled=True)

    @contextmanager
    def previews_on(self, place: PreviewOn) -> Iterator[None]:
        """Run the preview engine at another place until the block ends, as a deployment with ``preview_on`` would."""
        client, name = self.client("lambda"), self.state.functions["dispatch"]
        before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**before, "PREVIEW_ON": place.value}}
        )
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Environment={"Variables": before})

    def dead_letters(self) -> list[str]:
        """Return the job ids in the dead-letter queue, without removing them."""
        found: set[str] = set()
        while True:
            response = self.client("sqs").receive_message(
                QueueUrl=self.state.dlq, MaxNumberOfMessages=10, VisibilityTimeout=2
            )
            bodies = [json.loads(message["Body"]) for message in response.get("Messages", [])]
            fresh = {body["job_id"] for body in bodies if "job_id" in body} - found
            if not fresh:
                return sorted(found)
            found |= fresh

    def wait_idle(self, seconds: float = _IDLE_SECONDS) -> None:
        """Return when the queues are empty, and both lanes idle. Raises ``TimeoutError``."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 3:  # a message may be between two places at one check
            if time.monotonic() > deadline:
                raise TimeoutError(f"the stack is still busy after {seconds:.0f} s")
            quiet = 0 if self._busy() else quiet + 1
            time.sleep(_POLL_SECONDS)

    def wait_for_instances(self, count: int, seconds: float = _IDLE_SECONDS) -> None:
        """Return when the endpoint has ``count`` ready instances. Raises ``TimeoutError``."""
        self._wait_for_status("instances", count, seconds)

    def wait_for_invocations(self, count: int, seconds: float = _IDLE_SECONDS) -> None:
        """Return when the endpoint has accepted ``count`` invocations that have not ended. Raises ``TimeoutError``."""
        self._wait_for_status("invocations", count, seconds)

    def _wait_for_status(self, name: str, count: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._control("GET", "/_status")[name] != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the endpoint does not come to {count} {name} in {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _busy(self) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        for url in (self.state.queue, self.state.uploads_queue):
            attributes = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            if any(int(attributes[name]) for name in names):
                return True
        return bool(self._control("GET", "/_status")["invocations"] or self._executions())

    def _executions(self) -> int:
        """Return the invocations of the cpu lane that wait or run."""
        url = f"{emulator.address(self._options.port)}{EXECUTIONS}"
        executions: int = self._signed("GET", url).raise_for_status().json()["executions"]
        return executions

    def _set_faults(self, switches: Mapping[str, object]) -> dict[str, Any]:
        return self._control("POST", "/_faults", dict(switches))

    def _control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        response = self._signed(method, f"{self.state.endpoint_control}{path}", content)
        if not response.is_success:
            raise RuntimeError(f"the endpoint's stand-in refused {body}: {response.text}")
        parsed: dict[str, Any] = response.json()
        return parsed

    def _signed(self, method: str, url: str, content: bytes = b"") -> httpx2.Response:
        with httpx2.Client(trust_env=False, timeout=30.0) as http:
            return http.request(method, url, content=content, headers=sign(self._key, method, url, content))
