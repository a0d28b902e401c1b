"""Starts the stand-in: ``python -m infra.local.endpoint``, configured by its environment (see ``settings``)."""

import logging
import threading
from types import FrameType

import boto3
import uvicorn

from infra.local.access.keys import secrets_of
from infra.local.endpoint.aws import S3AndSns
from infra.local.endpoint.credentials import RoleCredentials
from infra.local.endpoint.endpoint import Endpoint, workers
from infra.local.endpoint.faults import Faults, FaultValues
from infra.local.endpoint.fleet import Fleet, Launch
from infra.local.endpoint.instance import Instance
from infra.local.endpoint.invocation_store import InvocationStore
from infra.local.endpoint.server import EndpointServer
from infra.local.endpoint.settings import Settings


def build(settings: Settings) -> EndpointServer:
    """Build the server of one endpoint; its instances start."""
    role = None
    if settings.container_role_arn is not None:
        url = f"http://127.0.0.1:{settings.port}"
        role = RoleCredentials(settings.container_role_arn, boto3.client("sts"), url)
    faults = Faults(
        FaultValues(
            cold_start_seconds=settings.cold_start_seconds,
            min_instances=settings.min_instances,
            idle_seconds=settings.idle_seconds,
        )
    )
    fleet = Fleet(
        _launcher(settings, role),
        faults,
        max_instances=settings.instances,
        concurrency=settings.concurrency,
        start_seconds=settings.start_seconds,
        stop_seconds=settings.stop_seconds,
    )
    credentials = boto3.Session().get_credentials()
    root = credentials.get_frozen_credentials() if credentials is not None else None
    if credentials is None or root is None or not root.access_key or not root.secret_key:
        raise SystemExit("there are no AWS credentials in the environment")
    aws = S3AndSns(settings.aws_endpoint_url, settings.aws_region, credentials, connections=workers(settings))
    secret_of = secrets_of(root.access_key, root.secret_key)
    endpoint = Endpoint(settings, fleet, faults, aws, InvocationStore(settings.invocations_folder))
    return EndpointServer(settings, endpoint, fleet, faults, role, secret_of)


def _launcher(settings: Settings, role: RoleCredentials | None) -> Launch:
    environment: dict[str, str | None] = {
        "JOBS_TABLE": settings.jobs_table,
        "BUCKET": settings.bucket,
        "STAGES": settings.stages,
        "WEIGHTS": settings.weights,
        "DEVICE": settings.device,
        "LONG_SIDE": str(settings.long_side) if settings.long_side is not None else None,
        "MODELS": settings.models,
        "ACCEPT_RESEARCH_LICENCE": str(settings.accept_research_licence).lower(),
        "SPEECH": settings.speech,
        "REPORTED_ENGINES": settings.reported_engines,
        "CONCURRENCY": str(settings.concurrency),
        "DRAIN_SECONDS": str(settings.stop_seconds / 2),  # the rest is for failing unfinished invocations
        **(role.environment() if role is not None else {}),
    }
    return lambda on_exit: Instance(settings.container_module, environment, on_exit, concurrency=settings.concurrency)


class ClosingServer(uvicorn.Server):
    """uvicorn server that closes the endpoint on the first signal, and ends when that is done, or on a second one.

    Until then it responds: instances need credentials to finish, and dispatched invocations are accepted for the next
    start.
    """

    def __init__(self, config: uvicorn.Config, endpoint: Endpoint) -> None:
        super().__init__(config)
        self._endpoint = endpoint
        self._closing = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Close the endpoint on the first SIGTERM or SIGINT, exit on the second. Called by uvicorn."""
        if self._closing or not self.started:
            super().handle_exit(sig, frame)
        else:
            self._closing = True
            threading.Thread(target=self._close, name="close").start()

    def _close(self) -> None:
        try:
            self._endpoint.close()
        finally:
            self.should_exit = True


def main() -> None:
    """Serve until terminated, then stop the instances."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.read()
    server = build(settings)
    config = uvicorn.Config(server.app(), host=settings.host, port=settings.port, log_config=None, access_log=False)
    ClosingServer(config, server.endpoint).run()


if __name__ == "__main__":
    main()
