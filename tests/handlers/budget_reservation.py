"""Reservation of a budget by itself, for tests that need no job."""

from datetime import datetime
from typing import Any

from cloud.dynamodb.transaction import ConditionFailed, write_transaction
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from handlers.limits.budget import Budget


def reserve_upscale(budget: Budget, *, owner: str = "owner-1", now: datetime, **params: Any) -> float | None:
    """Reserve what an upscaling by the models engine may cost; return that in dollars, or None without a limit."""
    estimate = budget.estimate(Kind.UPSCALE, Engine.MODELS, params)
    if estimate is None:
        return None
    try:
        write_transaction(budget._ledger._client, budget.reservation(owner, estimate, now=now))
    except ConditionFailed:
        raise budget.refusal(owner, estimate, now=now) from None
    return estimate
