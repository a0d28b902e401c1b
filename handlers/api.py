"""The REST API: requests are validated against the contract before the routes, errors are told after them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers import composition, json_body, problems
from handlers.health import Unhealthy
from handlers.observe import logger
from handlers.problems import Problem, problem
from handlers.refusal import Refusal
from handlers.routes import cache, jobs, library, limits, prompts, service, status
from handlers.startup import at_start
from pipeline.errors import DarkroomError, ErrorCode

# What is posted to these needs a body; elsewhere it may be left out.
WITH_BODY = ("/jobs", "/assets", "/prompts/enhance")

app = APIGatewayHttpResolver(enable_validation=True)
for routes in (cache, jobs, library, limits, prompts, service, status):
    app.include_router(routes.router)


def _darkroom_error(error: DarkroomError) -> Response[Any]:
    return _answer(problems.of_error(error))


def _refusal(error: Refusal) -> Response[Any]:
    return _answer(problems.of_error(error), error.headers)


def _invalid(error: RequestValidationError) -> Response[Any]:
    return _answer(problems.of_validation(error.errors()))


def _unhealthy(error: Unhealthy) -> Response[Any]:
    parts = error.health.parts.items()
    down = ", ".join(f"{name} ({part.reason})" for name, part in parts if part.status == "down")
    told = problem(ErrorCode.ENDPOINT_UNAVAILABLE, f"Down: {down}.")
    return _answer(told.model_copy(update=error.health.model_dump(mode="json", include={"checked_at", "parts"})))


def _no_route(_error: NotFoundError) -> Response[Any]:
    method, path = app.current_event.http_method, app.current_event.path
    return _answer(problem(ErrorCode.NOT_FOUND, f"There is no {method} {path[:200]}."))


def _internal(_error: Exception) -> Response[Any]:
    logger.exception("unexpected error")
    return _answer(problem(ErrorCode.INTERNAL, "This is our fault. Try again; if it stays, tell the operator."))


app.exception_handler(DarkroomError)(_darkroom_error)
app.exception_handler(Refusal)(_refusal)
app.exception_handler(RequestValidationError)(_invalid)
app.exception_handler(Unhealthy)(_unhealthy)
app.exception_handler(NotFoundError)(_no_route)
app.exception_handler(Exception)(_internal)


def _answer(told: Problem, more: Mapping[str, str] | None = None) -> Response[Any]:
    headers = {"Retry-After": "5"} if told.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    body = told.model_dump_json(exclude_none=True)
    return Response(told.status, problems.CONTENT_TYPE, body, headers={**headers, **(more or {})})


def _plain(told: Problem) -> dict[str, Any]:
    """A problem as the HTTP API takes it, where no route is involved."""
    body = told.model_dump_json(exclude_none=True)
    return {"statusCode": told.status, "headers": {"Content-Type": problems.CONTENT_TYPE}, "body": body}


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Requests of the HTTP API (payload format 2.0)."""
    http = event["requestContext"]["http"]
    wanted = http["method"] == "POST" and (event["rawPath"] in WITH_BODY or event.get("body"))
    told = json_body.refuse(event) if wanted else None
    answer = app.resolve(event, context) if told is None else _plain(told)
    logger.info("answered", method=http["method"], path=http["path"], status=answer["statusCode"])
    return answer


at_start(composition.desk)
