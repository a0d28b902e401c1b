"""Process of the stand-in for SageMaker's endpoint: its environment, and when it is started again."""

import json
import os
import sys

from infra.bundling.functions import ROOT, digest, files_under
from infra.local import emulator, event_sources
from infra.local.options import StackOptions
from infra.local.process import Process
from infra.local.state import RootKey, RunningProcesses, StackState
from infra.names import FAILURES, NOTICES_WITH_RESPONSE, OUTCOMES

LOG = "endpoint.log"
MODULE = "infra.local.endpoint"  # what is started; a measurement replaces it by one that counts the calls
INVOCATIONS_FOLDER = "invocations"  # accepted and not finished; they survive the process
STOP_SECONDS = 15.0
# Variables of the caller that only the containers get, in addition to emulator.own_environment().
STAND_IN_ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
# Files and folders, with code and data, that the stand-in and its containers load.
STAND_IN_CODE = (
    *("pipeline", "containers", "cloud", "darkroom/__init__.py", "darkroom/contract", "darkroom/client/ports.py"),
    "darkroom/client/output_files.py",
    *("infra/local/endpoint", "infra/local/access", "infra/local/process.py", "infra/local/state.py"),
    "requirements.lock",
)


def environment(options: StackOptions, running: RunningProcesses, state: StackState) -> dict[str, str]:
    """Return the stand-in's environment, which its containers inherit."""
    return {
        **emulator.credentials(options.port, RootKey.of(options.folder)),
        "HOST": emulator.HOST,
        "PORT": str(running.endpoint_port),
        "ENDPOINT_NAME": state.endpoint_name,
        "OUTPUT_LOCATION": f"s3://{state.bucket}/{OUTCOMES}",
        "FAILURE_LOCATION": f"s3://{state.bucket}/{FAILURES}",
        "SUCCESS_TOPIC_ARN": state.success_topic,
        "ERROR_TOPIC_ARN": state.error_topic,
        "INCLUDE_INFERENCE_RESPONSE_IN": json.dumps(NOTICES_WITH_RESPONSE),
        "INVOCATIONS_FOLDER": str(options.folder / INVOCATIONS_FOLDER),
        "CONTAINER_ROLE_ARN": state.container_role,
        "JOBS_TABLE": state.tables.jobs,
        "LEDGER_TABLE": state.tables.ledger,
        "BUCKET": state.bucket,
        "CONCURRENCY": str(options.config.jobs_per_instance),
        "MODELS": json.dumps(options.config.models),
        "ACCEPT_RESEARCH_LICENCE": str(options.config.accept_research_licence).lower(),
        "SPEECH": options.config.speech,
        "REPORTED_ENGINES": json.dumps(options.config.reported_engines),
        "TMPDIR": str(options.folder / "tmp"),
        **{name: os.environ[name] for name in STAND_IN_ENVIRONMENT if name in os.environ},
        **{key.upper(): value for key, value in options.stand_in.items()},
    }


def ensure(options: StackOptions, running: RunningProcesses, state: StackState) -> RunningProcesses:
    """Start the stand-in, or restart it if its environment or files have changed; it may not be ready yet.

    The queues are paused by then, as it cannot take what they deliver.
    """
    wanted = environment(options, running, state)
    wanted_digest = digest(files_under(*STAND_IN_CODE), json.dumps(wanted, sort_keys=True))
    alive = running.stand_in is not None and running.stand_in.find() is not None
    if alive and running.stand_in_digest == wanted_digest:
        return running
    event_sources.pause(options.clients()("lambda"))  # the caller resumes when the stand-in responds
    if running.stand_in is not None:
        running.stand_in.stop(STOP_SECONDS)
    process = Process.spawn(
        [sys.executable, "-m", MODULE],
        environment=wanted,
        log=options.folder / LOG,
        folder=ROOT,
    )
    running = running.model_copy(update={"stand_in": process, "stand_in_digest": wanted_digest})
    running.write_started(options.folder, process)
    return running
