"""The product's modules that the recording and its tests use, by today's names: a rename changes this file alone."""

from pydantic_settings import BaseSettings

from client.cli import app as caller_command
from client.cli.settings import Settings as CallerSettings
from client.local import read as read_local_stack
from containers.gpu.engines import Engines, networks, weigh
from containers.gpu.instance import Reporter
from containers.gpu.server import Invocations, make_app
from containers.gpu.settings import Settings as ContainerSettings
from containers.gpu.speakers import speaker
from containers.gpu.storage import Storage
from containers.gpu.worker import Worker, typed_params
from handlers import (
    api,
    authorize,
    clients,
    dispatch,
    ended,
    finished,
    guard,
    openapi,
    push,
    settings,
    socket,
    sweep,
    uploaded,
)
from handlers.attributes import from_item
from handlers.finished import Notice
from handlers.instance_reports import InstanceReport, InstanceReports
from handlers.ledger import Ledger
from handlers.messages import requests as socket_requests
from handlers.problems import STATUSES
from handlers.queue import JobQueue, Message
from handlers.record import JobRecord
from handlers.sockets import Subscription, Subscriptions
from handlers.spend import Spend
from handlers.store import JobStore
from handlers.update import Update
from handlers.waking import Wakes
from infra.config import Config
from infra.local.cli import app as operator_command
from infra.local.emulator import credentials
from infra.local.endpoint import notify
from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.endpoint.invocation import parse as parse_endpoint_invocation
from infra.local.endpoint.settings import Settings as StandInSettings
from infra.local.runtime import STAND_IN_KEYS
from infra.local.stack import LocalStack
from infra.local.state import RootKey, Running, State
from infra.local.studio.settings import Settings as StudioServerSettings
from infra.names import FUNCTIONS
from pipeline.errors import DarkroomError, ErrorCode, ErrorDetail
from pipeline.invocation import Abandoned, Completed, Failed, Invocation, Outcome
from pipeline.jobs import State as JobState
from pipeline.kinds import plan
from pipeline.requests import Kind
from pipeline.results import PreviewPicture, Result, StageTime
from pipeline.runner import Runner
from pipeline.stage_cache import StageCache
from pipeline.stages import Plan

# The top-level packages whose modules read the clock and make ids.
PACKAGES = ("pipeline", "handlers", "containers", "infra", "client")
# Each function's settings, by the function's name.
FUNCTION_SETTINGS: dict[str, type[BaseSettings]] = {
    "api": settings.ApiSettings,
    "authorize": settings.AuthorizeSettings,
    "dispatch": settings.DispatchSettings,
    "ended": settings.EndedSettings,
    "finished": settings.FinishedSettings,
    "guard": settings.GuardSettings,
    "push": settings.PushSettings,
    "socket": settings.SocketSettings,
    "sweep": settings.SweepSettings,
    "uploaded": settings.UploadedSettings,
    "AWS clients of each": settings.ClientSettings,
}
# What the GPU container's image holds of the source tree, as its Dockerfile copies it.
CONTAINER_FOLDERS = ("pipeline", "handlers", "containers")
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
    "CallerSettings",
    "Completed",
    "Config",
    "ContainerSettings",
    "DarkroomError",
    "EndpointInvocation",
    "Engines",
    "ErrorCode",
    "ErrorDetail",
    "Failed",
    "InstanceReport",
    "InstanceReports",
    "Invocation",
    "Invocations",
    "JobQueue",
    "JobRecord",
    "JobState",
    "JobStore",
    "Kind",
    "Ledger",
    "LocalStack",
    "Message",
    "Notice",
    "Outcome",
    "Plan",
    "PreviewPicture",
    "Reporter",
    "Result",
    "Runner",
    "Running",
    "Spend",
    "StageCache",
    "StageTime",
    "StandInSettings",
    "State",
    "Storage",
    "StudioServerSettings",
    "Subscription",
    "Subscriptions",
    "Update",
    "Wakes",
    "Worker",
    "api",
    "authorize",
    "caller_command",
    "clients",
    "dispatch",
    "emulator_environment",
    "ended",
    "finished",
    "from_item",
    "guard",
    "make_app",
    "networks",
    "notify",
    "openapi",
    "operator_command",
    "parse_endpoint_invocation",
    "plan",
    "push",
    "read_local_stack",
    "socket",
    "socket_requests",
    "speaker",
    "sweep",
    "typed_params",
    "uploaded",
    "weigh",
]
