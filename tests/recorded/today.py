"""Imports of the product's modules for the recording and its tests: a rename changes this file alone."""

from pydantic import BaseModel

from cloud import clients
from cloud.dynamodb.attributes import from_item, to_item
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.instance_reports import InstanceReport, InstanceReports
from cloud.invocation import Abandoned, Completed, Failed, Invocation, Outcome
from cloud.job_queue import DispatchMessage, JobQueue
from cloud.settings import AwsEndpointSettings
from containers.gpu.instance_reporter import InstanceReporter
from containers.gpu.server import InvocationRunner, make_app
from containers.worker.invocation_params import typed_params
from containers.worker.plan_preparer import PlanPreparer, create_network_provider, weights_digest
from containers.worker.settings import Settings as ContainerSettings
from containers.worker.speech_synthesis import create_speaker
from containers.worker.storage import Storage
from containers.worker.worker import Worker
from darkroom.cli import app as caller_command
from darkroom.cli.settings import Settings as CallerSettings
from darkroom.client import reports, responses
from darkroom.client.local_stack import read_stack as read_local_stack
from darkroom.contract.errors import DarkroomError, ErrorCode, ErrorDetail
from darkroom.contract.jobs import Job
from darkroom.contract.jobs import State as JobState
from darkroom.contract.kinds import Kind
from darkroom.contract.results import PreviewPicture, Result, StageTime
from handlers import api, authorize, dispatch, ended, finished, guard, push, socket, sweep, uploaded
from handlers.assets.asset import Asset
from handlers.endpoint.cold_start import ColdStarts
from handlers.endpoint.gpu_spend import GpuSpend
from handlers.endpoint.outcome_processor import AsyncInferenceNotification
from handlers.http_api import openapi
from handlers.http_api.problems import STATUSES
from handlers.settings.api import ApiSettings
from handlers.settings.authorize import AuthorizeSettings
from handlers.settings.dispatch import DispatchSettings
from handlers.settings.ended import EndedSettings
from handlers.settings.finished import FinishedSettings
from handlers.settings.guard import GuardSettings
from handlers.settings.push import PushSettings
from handlers.settings.socket import SocketSettings
from handlers.settings.sweep import SweepSettings
from handlers.settings.uploaded import UploadedSettings
from handlers.websocket.messages import client_messages as socket_requests
from infra.config import Config
from infra.local.cli import app as operator_command
from infra.local.emulator import credentials
from infra.local.endpoint import notifications
from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.endpoint.invocation import parse as parse_endpoint_invocation
from infra.local.endpoint.settings import Settings as StandInSettings
from infra.local.options import STAND_IN_KEYS
from infra.local.stack import LocalStack
from infra.local.state import RootKey, RunningProcesses, StackState
from infra.local.studio.settings import Settings as StudioServerSettings
from infra.names import FUNCTIONS
from pipeline.core.runner import Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Plan
from pipeline.plans import get_plan

# The top-level packages whose modules read the clock and make ids.
PACKAGES = ("darkroom", "cloud", "pipeline", "handlers", "containers", "infra")
# Each function's settings, by the function's name.
FUNCTION_SETTINGS: dict[str, type[BaseModel]] = {
    "api": ApiSettings,
    "authorize": AuthorizeSettings,
    "dispatch": DispatchSettings,
    "ended": EndedSettings,
    "finished": FinishedSettings,
    "guard": GuardSettings,
    "push": PushSettings,
    "socket": SocketSettings,
    "sweep": SweepSettings,
    "uploaded": UploadedSettings,
    "AWS clients of each": AwsEndpointSettings,
}
# What the GPU container's image holds of the source tree, as its Dockerfile copies it.
CONTAINER_FOLDERS = ("darkroom", "cloud", "pipeline", "containers")
# Files of the container's source that are too large to be recorded: a user copies them from a checkout.
CONTAINER_LEFT_OUT = (
    "pipeline/subtitles/fonts/DarkroomSansCJK-Regular.otf",
    "pipeline/subtitles/fonts/DejaVuSansCondensed-Bold.ttf",
)


def emulator_environment(port: int) -> dict[str, str]:
    """The environment of a client of the emulator on a port."""
    return credentials(port, RootKey(access_key_id="key", secret_access_key="secret"))


__all__ = [
    "CONTAINER_FOLDERS",
    "CONTAINER_LEFT_OUT",
    "FUNCTIONS",
    "FUNCTION_SETTINGS",
    "PACKAGES",
    "STAND_IN_KEYS",
    "STATUSES",
    "Abandoned",
    "Asset",
    "AsyncInferenceNotification",
    "CallerSettings",
    "ColdStarts",
    "Completed",
    "ConditionalUpdate",
    "Config",
    "ContainerSettings",
    "DarkroomError",
    "DispatchMessage",
    "EndpointInvocation",
    "ErrorCode",
    "ErrorDetail",
    "Failed",
    "GpuSpend",
    "InstanceReport",
    "InstanceReporter",
    "InstanceReports",
    "Invocation",
    "InvocationRunner",
    "Job",
    "JobQueue",
    "JobRecord",
    "JobState",
    "JobStore",
    "Kind",
    "Ledger",
    "LocalStack",
    "Outcome",
    "Plan",
    "PlanPreparer",
    "PreviewPicture",
    "Result",
    "Runner",
    "RunningProcesses",
    "StackState",
    "StageCache",
    "StageTime",
    "StandInSettings",
    "Storage",
    "StudioServerSettings",
    "UnreadableItem",
    "Worker",
    "api",
    "authorize",
    "caller_command",
    "clients",
    "create_network_provider",
    "create_speaker",
    "dispatch",
    "emulator_environment",
    "ended",
    "finished",
    "from_item",
    "get_plan",
    "guard",
    "make_app",
    "notifications",
    "openapi",
    "operator_command",
    "parse_endpoint_invocation",
    "push",
    "read_local_stack",
    "reports",
    "responses",
    "socket",
    "socket_requests",
    "sweep",
    "to_item",
    "typed_params",
    "uploaded",
    "weights_digest",
]
