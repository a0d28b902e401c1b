"""Finding: the typed result of one check before a deployment."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from infra.commands.deploy.errors import sentence


class Level(StrEnum):
    """Level of a finding. Only ``FAILED`` means that a deployment would fail or not work, or take something away."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What a check has found, and what to do about it."""

    level: Level
    found: str
    remedy: str = ""


Check = Callable[[], Finding]


def run_check(check: Check) -> Finding:
    """Return what a check finds. An AWS call that fails is a finding of its own, so that the other checks go on."""
    try:
        return check()
    except ClientError as error:
        return Finding(Level.UNKNOWN, sentence(error), f"Allow the call {error.operation_name}, or look yourself.")
    except BotoCoreError as error:
        return Finding(Level.UNKNOWN, sentence(error), "Check again.")
