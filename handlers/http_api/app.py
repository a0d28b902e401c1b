"""The HTTP API application: routes behind validation by the contract, errors as problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from cloud.dynamodb.lenient_item import UnreadableItem
from cloud.observability import logger
from darkroom.contract.errors import DarkroomError, ErrorCode
from handlers.endpoint.health import Unhealthy
from handlers.http_api import problems
from handlers.http_api.problems import Problem, problem
from handlers.http_api.routes import assets, cache, jobs, limits, prompts, service, statistics
from handlers.limits.limit_exceeded import LimitExceeded

app = APIGatewayHttpResolver(enable_validation=True)
for routes in (cache, jobs, assets, limits, prompts, service, statistics):
    app.include_router(routes.router)


def _darkroom_error(error: DarkroomError) -> Response[Any]:
    return _respond(problems.of_error(error))


def _limit_exceeded(error: LimitExceeded) -> Response[Any]:
    return _respond(problems.of_error(error), error.headers)


def _validation_error(error: RequestValidationError) -> Response[Any]:
    return _respond(problems.of_validation(error.errors()))


def _unreadable(_error: UnreadableItem) -> Response[Any]:
    logger.exception("item cannot be read")
    return _respond(
        problem(
            ErrorCode.UNKNOWN_TO_VERSION,
            "A newer version of this service wrote this, in a form that the running version cannot show. "
            "A job can be cancelled all the same.",
        )
    )


def _unhealthy(error: Unhealthy) -> Response[Any]:
    parts = error.health.parts.items()
    down = ", ".join(f"{name} ({part.reason})" for name, part in parts if part.status == "down")
    details = problem(ErrorCode.ENDPOINT_UNAVAILABLE, f"Down: {down}.")
    return _respond(details.model_copy(update=error.health.model_dump(mode="json", include={"checked_at", "parts"})))


def _no_route(_error: NotFoundError) -> Response[Any]:
    method, path = app.current_event.http_method, app.current_event.path
    return _respond(problem(ErrorCode.NOT_FOUND, f"There is no {method} {path[:200]}."))


def _internal(_error: Exception) -> Response[Any]:
    logger.exception("unexpected error")
    return _respond(problem(ErrorCode.INTERNAL, "This is our fault. Try again; if it stays, tell the operator."))


app.exception_handler(DarkroomError)(_darkroom_error)
app.exception_handler(LimitExceeded)(_limit_exceeded)
app.exception_handler(RequestValidationError)(_validation_error)
app.exception_handler(Unhealthy)(_unhealthy)
app.exception_handler(UnreadableItem)(_unreadable)
app.exception_handler(NotFoundError)(_no_route)
app.exception_handler(Exception)(_internal)


def _respond(details: Problem, more_headers: Mapping[str, str] | None = None) -> Response[Any]:
    headers = {"Retry-After": "5"} if details.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    body = details.model_dump_json(exclude_none=True)
    return Response(details.status, problems.CONTENT_TYPE, body, headers={**headers, **(more_headers or {})})
