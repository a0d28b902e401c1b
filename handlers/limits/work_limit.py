"""Work limit: refuses a video that the cpu lane's function could not make within its time."""

from collections.abc import Mapping
from typing import Any

from cloud.lane import Lane
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import KINDS, Kind
from handlers.limits.budget import estimate_seconds, video_seconds


def longest_video_seconds(kind: Kind, engine: Engine, limit_seconds: float) -> float:
    """Return the length of the longest video that an engine makes within a time limit, by the registry's estimates.

    >>> longest_video_seconds(Kind.RENDER_SCENES, Engine.PREVIEW, 885)
    440.0
    """
    support = KINDS[kind].engines[engine]
    return max((limit_seconds - support.seconds) / support.per_video_second, 0.0)


def check_work(kind: Kind, engine: Engine, params: Mapping[str, Any], *, lane: Lane, limit_seconds: float) -> None:
    """Check that the estimated work of a job fits the time limit of its lane's function.

    Raises ``DarkroomError`` (``too_long``), which names the limit. Pictures and the GPU lane are not limited here.
    """
    if lane is not Lane.CPU or not KINDS[kind].makes_video:
        return
    if estimate_seconds(kind, engine, params) <= limit_seconds:
        return
    longest, asked = longest_video_seconds(kind, engine, limit_seconds), video_seconds(params)
    raise DarkroomError(
        ErrorCode.TOO_LONG,
        f"The {engine} engine may work for {_minutes(limit_seconds)} on a job here, which makes videos of up to "
        f"{_minutes(longest)}. This one may last {_minutes(asked)}. Shorten what is said, make several videos of it, "
        f'or ask for the engine "{Engine.MODELS}".',
    )


def _minutes(seconds: float) -> str:
    """Return a duration as minutes and seconds.

    >>> _minutes(440.0)
    '7:20 minutes'
    """
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02} minutes"
