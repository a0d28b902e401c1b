"""Trial job: one real job of a kind on a built-in sample, through presigned upload and WebSocket."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from darkroom.client.async_client import AsyncClient
from darkroom.client.errors import ClientError
from darkroom.client.request_builder import build_request
from darkroom.client.sources import Source
from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import KINDS, Kind
from handlers.endpoint.endpoint_state import running_instances
from handlers.limits.budget import estimate_seconds
from infra.commands.demo_samples import reduced, sample
from infra.commands.deploy.deployment import Deployment
from infra.commands.deploy.hops import Hop, HopClock, JobHops, state_budgets

ACCEPT_SECONDS = 5.0  # a cold function included
TRANSFER_SECONDS = 30.0
# Of kinds that have no demo, as they need the models engine.
PARAMS: Mapping[Kind, Mapping[str, Any]] = {Kind.GENERATE: {"prompt": "a red fox in the snow", "seed": 1}}
# A deployment may lack the models of a kind: that is its operator's choice.
LEFT_OUT = frozenset({ErrorCode.ENGINE_UNAVAILABLE})


@dataclass
class Trial:
    """Outcome of one trial. ``job_id`` is None if none was created; ``seconds`` is the time from start to end."""

    name: str
    outcome: str = "unfinished"
    job_id: str | None = None
    hops: list[Hop] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""

    @property
    def failed(self) -> bool:
        """True if the trial neither completed nor was left out."""
        return self.outcome not in ("completed", "left out")


def is_cold(deployment: Deployment) -> bool:
    """Return True unless an instance of the endpoint is known to run."""
    try:
        return not running_instances(deployment.client("sagemaker"), deployment.endpoint_name)
    except (AwsError, BotoCoreError):
        return True


class TrialJob:
    """One job of a kind, on an engine, or on the deployment's default one.

    ``created`` is called with its id, so that no interrupt leaves it behind.
    """

    def __init__(
        self, deployment: Deployment, kind: Kind, created: Callable[[str], None], *, engine: Engine | None = None
    ) -> None:
        self._deployment = deployment
        self._kind = kind
        self._created = created
        self._engine = engine
        self.trial = Trial(kind)

    def run(self, limit_seconds: float) -> Trial:
        """Run the job to its end and return what became of it; it raises no error of the service.

        After ``limit_seconds`` it is given up.
        """
        trial = self.trial
        try:
            asyncio.run(self._run_within(limit_seconds))
        except TimeoutError:
            trial.outcome, trial.note = "timed out", f"not done after {limit_seconds:.0f} s"
        except ClientError as error:
            trial.outcome = "left out" if error.code in LEFT_OUT else "failed"
            trial.note = f"{error.code}: {error.message}"
        return trial

    async def _run_within(self, limit_seconds: float) -> None:
        async with asyncio.timeout(limit_seconds):
            with ExitStack() as samples:
                folder = Path(samples.enter_context(TemporaryDirectory(prefix="darkroom-trial-")))
                await self._run(samples, folder)

    async def _run(self, samples: ExitStack, folder: Path) -> None:
        trial, deployment = self.trial, self._deployment
        files, params = self._sample(samples, folder)
        request, contents = build_request(self._kind, files, params, engine=self._engine, cache=False)
        cold = is_cold(deployment)
        clock = HopClock(trial.hops)
        async with AsyncClient(deployment.api_url, deployment.token, socket_url=deployment.socket_url) as client:
            created = await client.create(request, idempotency_key=uuid.uuid4().hex)
            trial.job_id = created.job.job_id
            self._created(created.job.job_id)
            clock.reach("request accepted", ACCEPT_SECONDS)
            if created.uploads:
                await client.upload(created, contents)
                clock.reach("files uploaded", TRANSFER_SECONDS)
            estimate = estimate_seconds(self._kind, created.job.engine, created.job.params)
            hops = JobHops(clock, state_budgets(estimate, cold=cold))
            job = created.job
            async with aclosing(client.watch(job)) as states:
                async for job in states:
                    hops.observe(job)
            trial.hops += [
                Hop(f"  {each.stage}{' (cached)' if each.cached else ''}", each.seconds) for each in job.timeline
            ]
            self._conclude(job)
            if job.state is State.COMPLETED:
                await client.download_all(job, folder / "result")
                clock.reach("result downloaded", TRANSFER_SECONDS)
            trial.seconds = clock.seconds

    def _sample(self, samples: ExitStack, folder: Path) -> tuple[dict[str, Source], Mapping[str, Any]]:
        demo = KINDS[self._kind].demo
        if demo is None:
            return {}, PARAMS.get(self._kind, {})
        files: dict[str, Source] = {}
        for role, name in demo.files.items():
            files[role] = samples.enter_context(sample(name)) if isinstance(name, str) else name
        if demo.reduce:
            files = {role: reduced(path, folder) for role, path in files.items() if isinstance(path, Path)}
        return files, demo.params

    def _conclude(self, job: Job) -> None:
        trial = self.trial
        if job.state is State.COMPLETED:
            trial.outcome = "completed"
            trial.note = f"{job.result.engine} engine" if job.result else ""
            return
        code = job.error.code if job.error else job.state
        trial.outcome = "left out" if code in LEFT_OUT else str(job.state)
        trial.note = f"{code}: {job.error.message if job.error else job.message}"
