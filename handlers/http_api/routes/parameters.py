"""Parameters that several routes take."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AfterValidator

from handlers.http_api import cursor

JobIdPath = Annotated[str, Path(description="The job's id.", examples=["0123456789abcdef0123456789abcdef"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="A text of your choice. Repeating a request with its key creates nothing new.",
    ),
]

Cursor = Annotated[
    str | None,
    AfterValidator(cursor.check),
    Query(alias="cursor", max_length=400, description="The `cursor` of the page before."),
]
Limit = Annotated[int, Query(ge=1, le=100, description="Largest number of items on a page.")]
