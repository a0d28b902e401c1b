"""Running minimal chain: deployed to the emulator of a local stack, with a stand-in of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load_client import LoadTarget
from bench.minimal_chain.stack import ENDPOINT_NAME
from darkroom.client.ports import free_port
from infra.bundling.functions import ROOT
from infra.local import emulator, stand_in
from infra.local.deploy import deploy
from infra.local.endpoint.settings import HEALTH
from infra.local.process import Process
from infra.local.stack import LocalStack
from infra.local.state import RootKey, RunningProcesses

LOG = "minimal-chain.log"
STOP_SECONDS = 5.0


@contextmanager
def minimal_chain(stack: LocalStack) -> Iterator[LoadTarget]:
    """Deploy the minimal chain beside ``stack`` and run its endpoint until the block ends.

    Raises ``DeployError``, ``StartError``, or ``CalledProcessError`` when it does not synthesize.
    """
    port = free_port()
    outputs = _deploy(stack, emulator.address(port))
    running = RunningProcesses.read(stack.folder)
    assert running is not None
    assert running.emulator is not None
    process = Process.spawn(
        [sys.executable, "-m", stand_in.MODULE],
        environment={
            **emulator.credentials(stack.state.port, RootKey.of(stack.folder)),
            "PORT": str(port),
            "ENDPOINT_NAME": ENDPOINT_NAME,
            "OUTPUT_LOCATION": f"s3://{outputs['BucketName']}/outcomes/",
            "INVOCATIONS_FOLDER": str(stack.folder / "minimal-invocations"),
            "SUCCESS_TOPIC_ARN": outputs["TopicArn"],
            "CONTAINER_MODULE": "bench.minimal_chain.container",
            "JOBS_TABLE": outputs["TableName"],
            "LEDGER_TABLE": outputs["TableName"],
            "BUCKET": outputs["BucketName"],
        },
        log=stack.folder / LOG,
        folder=ROOT,
    )
    try:
        emulator.wait_until_ready(process, f"{emulator.address(port)}{HEALTH}", stack.folder / LOG)
        yield LoadTarget(
            endpoint=outputs["ApiUrl"],
            socket=outputs["SocketUrl"],
            table=outputs["TableName"],
            client=stack.client,
            processes=(running.emulator, process),
        )
    finally:
        process.stop(STOP_SECONDS)


def _deploy(stack: LocalStack, runtime_url: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        assembly = Path(folder) / "cdk.out"
        command = [sys.executable, "-m", "bench.minimal_chain.stack", str(assembly), runtime_url]
        subprocess.run(command, cwd=ROOT, check=True)
        return deploy(stack.client, assembly, port=stack.state.port)
