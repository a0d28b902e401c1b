"""Deployment that can be tried: addresses, resources and clients, on AWS or of a local stack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.cli.settings import Settings
from darkroom.cli.token_sources import find_token
from darkroom.client.errors import ClientError, LocalStackError
from darkroom.client.local_stack import FOLDER, find_running_stack, read_stack
from darkroom.client.tokens import TokenSource
from infra.commands.deploy.account import AwsAccount
from infra.commands.deploy.errors import aws_errors
from infra.commands.deploy.stacks import find_stack, stack_names
from infra.local import runtime
from infra.local.clients import Clients
from infra.local.state import RootKey
from infra.names import FUNCTIONS, function_output


@dataclass(frozen=True)
class Deployment:
    """A deployment. ``client`` makes clients by the service's name; ``token`` signs in the user of the trial."""

    api_url: str
    socket_url: str
    bucket: str
    jobs_table: str
    ledger_table: str
    endpoint_name: str
    functions: Mapping[str, str]
    client: Callable[[str], Any]
    token: TokenSource | None = None


def find_deployment(account: AwsAccount, stage: str) -> Deployment:
    """Return the deployment of a stage, by the outputs of its stacks; its endpoint has no name without the GPU stack.

    Raises ``ClientError`` (``not_deployed``, or ``aws_call_failed``).
    """
    core_name, gpu_name, _ = stack_names(stage)
    with aws_errors():
        core, gpu = find_stack(account, core_name), find_stack(account, gpu_name)
    if core is None or "ApiUrl" not in core.outputs:
        message = f"There is no stack {core_name} in {account.region}. `darkroom deploy check` says what it needs."
        raise ClientError("not_deployed", message)
    outputs = core.outputs
    return Deployment(
        api_url=outputs["ApiUrl"],
        socket_url=outputs["SocketUrl"],
        bucket=outputs["Bucket"],
        jobs_table=outputs["JobsTable"],
        ledger_table=outputs["LedgerTable"],
        endpoint_name=gpu.outputs.get("EndpointName", "") if gpu is not None else "",
        functions={name: outputs[function_output(name)] for name in FUNCTIONS if function_output(name) in outputs},
        client=account.client,
    )


def find_login(deployment: Deployment, token: str | None) -> TokenSource:
    """Return the token source for a deployment on AWS. Raises ``ClientError`` (``unauthorized``) if there is none."""
    found = find_token(Settings.read(deployment.api_url, token))
    if found is None:
        message = f"Sign in first: `darkroom login --endpoint {deployment.api_url}`, or give --token."
        raise ClientError("unauthorized", message)
    return found.source


def local_deployment(port: int | None) -> Deployment:
    """Return the local stack on a port, else the running one. Raises ``LocalStackError``."""
    if port is None:
        stack = find_running_stack()
        port = None if stack is None else stack.port
    folder = Path.cwd() / FOLDER / str(port)
    state, key, login = runtime.find_running(folder), RootKey.read(folder), read_stack(folder)
    if port is None or state is None or key is None or login is None:
        raise LocalStackError("No local stack runs from this directory; start one with `darkroom up`.")
    clients = Clients(state.port, key)
    stand_in = Clients(state.port, key, url=state.endpoint_control)

    def client(service: str) -> Any:
        return stand_in(service) if service.startswith("sagemaker") else clients(service)

    return Deployment(
        api_url=state.endpoint,
        socket_url=state.socket,
        bucket=state.bucket,
        jobs_table=state.tables.jobs,
        ledger_table=state.tables.ledger,
        endpoint_name=state.endpoint_name,
        functions=state.functions,
        client=client,
        token=login.token(),
    )
