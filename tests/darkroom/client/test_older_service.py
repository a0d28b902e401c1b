"""SDK of today with an older service: a field that its answers do not have yet is empty, and never made up."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from darkroom.client import reports, responses

MODELS = [
    value
    for module in (reports, responses)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
]
NOTHING: tuple[Any, ...] = (0, None, False, "", [], {}, ())
AT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_what_an_older_service_does_not_say_is_empty(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        if not field.is_required():
            default: Any = field.get_default(call_default_factory=True)
            values = default.model_dump().values() if isinstance(default, BaseModel) else [default]
            assert all(value in NOTHING for value in values), (name, default)


def test_sparse_reports_are_read() -> None:
    day = reports.Statistics.model_validate({"date": "2026-06-01", "at": AT, "kinds": {"upscale": {}}})
    assert (day.cached, day.success_rate, day.kinds["upscale"].seconds.p50) == (0, None, None)
    assert reports.Backlog(messages=1, dispatched=2, running=3).cut_off is False
    assert reports.Services(checked_at=AT).model_dump(exclude={"checked_at"}) == {
        "endpoint": None,
        "previews": None,
        "backlog": None,
        "instances": None,
        "reasons": {},
    }
