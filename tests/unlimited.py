"""Local stack without rate limits, for tests that create many jobs a minute; one template serves all."""

from handlers.limits.rates import SUBJECTS

# Origin of a web page that is not the studio; docs/examples/ is served there. Stacks that allow it share a template.
WEB_ORIGIN = "http://127.0.0.1:5173"

UNLIMITED: dict[str, object] = {
    "retry_delay_seconds": 0,
    "look_seconds": 0,
    # One test has to come to a limit.
    "rate_limits": {**dict.fromkeys(SUBJECTS, "10000/60"), "generate": "5/300"},
    "owner_daily_usd": 0,
    "accept_research_licence": True,
}
