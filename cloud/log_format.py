"""Log format of functions and container: one JSON object per line, which one CloudWatch Logs Insights query reads.

Every line has ``level``, ``location``, ``message``, ``timestamp`` and ``service``. A line about one job has ``job_id``,
and one about an error has its traceback in ``exception``.
"""

import json
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

if TYPE_CHECKING:
    from aws_lambda_powertools.logging.types import LogRecord

# Attributes that asyncio and uvicorn give to records. uvicorn's is the message once more, in colour.
_UNUSED = frozenset({"taskName", "color_message"})


class LogFormatter(LambdaPowertoolsFormatter):
    """Log formatter of powertools with its options set. ``service`` is who writes; powertools' ``Logger`` adds its own.

    Fields of ``extra`` are added to a line, and replace others of the same name.
    """

    def __init__(self, service: str | None = None) -> None:
        super().__init__(
            # ASCII alone: names and messages of callers cannot write escape sequences into the log.
            json_serializer=partial(json.dumps, default=str),
            # By default, a message that happens to be JSON would become an object or a number.
            json_deserializer=str,
            # Lambda takes the time of a line from it, if it is of this form.
            utc=True,
            use_rfc3339=True,
            location="%(module)s.%(funcName)s:%(lineno)d",
            service=service,
        )

    def serialize(self, log: "LogRecord") -> str:
        """Return a line's fields as JSON, without those that say nothing of the event."""
        return super().serialize({name: value for name, value in log.items() if name not in _UNUSED})
