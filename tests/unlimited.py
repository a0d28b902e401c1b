"""The context of a local stack on which tests make more jobs in a minute than any person would."""

from handlers.rates import SUBJECTS

RATE_LIMITS = dict.fromkeys(SUBJECTS, "10000/60")
UNLIMITED: dict[str, object] = {
    "retry_delay_seconds": 0,
    "look_seconds": 0,
    "rate_limits": RATE_LIMITS,
    "owner_daily_usd": 0,
}
