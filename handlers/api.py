"""The REST API: thin routes. Requests are validated against the contract before them, errors are told after them."""

from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path, Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator

from handlers import clients, cursor, json_body, problems
from handlers.bodies import (
    Health,
    JobPage,
    JobWithUploads,
    Limits,
    PublicConfig,
    StyleList,
    StyleSummary,
)
from handlers.desk import Desk
from handlers.health import HealthCheck, Unhealthy
from handlers.observe import logger
from handlers.openapi_responses import document
from handlers.problems import Problem, problem
from handlers.settings import ApiSettings
from handlers.startup import at_start
from handlers.store import JobStore
from handlers.uploads import Presigner
from pipeline.errors import DarkroomError, ErrorCode
from pipeline.jobs import Job, State
from pipeline.requests import JobRequest, Kind
from pipeline.styles import styles

JSON = "application/json"

app = APIGatewayHttpResolver(enable_validation=True)

Id = Annotated[str, Path(description="The job's id.", examples=["0123456789abcdef0123456789abcdef"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="Any text of yours. The same key and request again give the same job, not another one.",
    ),
]

Cursor = Annotated[
    str | None,
    AfterValidator(cursor.check),
    Query(alias="cursor", max_length=400, description="From the page before."),
]


@app.post(
    "/jobs",
    summary="Ask for a job",
    operation_id="createJob",
    responses=document(
        {201: ("A new job, and forms to upload its pictures.", JobWithUploads)},
        {200: ("The job that this Idempotency-Key made before.", JobWithUploads)},
        problems=(401, 413, 415, 422),
    ),
)
def create_job(
    request: Annotated[JobRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[JobWithUploads]:
    """Ask for a job: 201 and forms to upload its pictures; 200 when this Idempotency-Key made it before."""
    record, new = _desk().create(_owner(), request, idempotency_key)
    logger.append_keys(job_id=record.job_id)
    body = JobWithUploads(job=_desk().public(record), uploads=_desk().forms(record))
    status = HTTPStatus.CREATED if new else HTTPStatus.OK
    return Response(status, JSON, body, headers={"Location": f"/jobs/{record.job_id}"})


@app.get(
    "/jobs",
    summary="Your jobs, newest first",
    operation_id="listJobs",
    responses=document({200: ("A page of jobs.", JobPage)}, problems=(401, 422)),
)
def list_jobs(
    status: Annotated[State | None, Query(description="Only jobs in this state.")] = None,
    kind: Annotated[Kind | None, Query(description="Only jobs of this kind.")] = None,
    cursor_: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Jobs on a page.")] = 20,
) -> Response[JobPage]:
    """The caller's jobs, newest first."""
    after = None if cursor_ is None else cursor.decode(cursor_)
    records, position = _desk().page(_owner(), limit=limit, state=status, kind=kind, after=after)
    jobs = [_desk().public(record) for record in records]
    return Response(HTTPStatus.OK, JSON, JobPage(jobs=jobs, cursor=cursor.encode(position)))


@app.get(
    "/jobs/<job_id>",
    summary="A job as it is now",
    operation_id="getJob",
    responses=document({200: ("The job, with fresh links to its pictures.", Job)}, problems=(401, 404)),
)
def get_job(job_id: Id) -> Response[Job]:
    """A job as it is now."""
    logger.append_keys(job_id=job_id)
    return Response(HTTPStatus.OK, JSON, _desk().public(_desk().get(_owner(), job_id)))


@app.delete(
    "/jobs/<job_id>",
    summary="Cancel a job",
    operation_id="cancelJob",
    responses=document({200: ("The job, cancelled now or before.", Job)}, problems=(401, 404, 409)),
)
def cancel_job(job_id: Id) -> Response[Job]:
    """Cancel a job that has not ended; cancelling it again is fine."""
    logger.append_keys(job_id=job_id)
    return Response(HTTPStatus.OK, JSON, _desk().public(_desk().cancel(_owner(), job_id)))


@app.post(
    "/jobs/<job_id>/uploads",
    summary="Fresh forms for the pictures that a job waits for",
    operation_id="renewUploads",
    responses=document({200: ("The job, and its forms.", JobWithUploads)}, problems=(401, 404, 409)),
)
def renew_uploads(job_id: Id) -> Response[JobWithUploads]:
    """Fresh forms for the pictures that a job still waits for, and time to use them."""
    logger.append_keys(job_id=job_id)
    record = _desk().renew(_owner(), job_id)
    return Response(HTTPStatus.OK, JSON, JobWithUploads(job=_desk().public(record), uploads=_desk().forms(record)))


@app.get(
    "/styles",
    summary="The styles of room restyling",
    operation_id="listStyles",
    responses=document({200: ("Every style.", StyleList)}, problems=(401,)),
)
def list_styles() -> Response[StyleList]:
    """The styles of room restyling."""
    known = [StyleSummary.model_validate(style, from_attributes=True, extra="ignore") for style in styles().values()]
    return Response(HTTPStatus.OK, JSON, StyleList(styles=known))


@app.get(
    "/health",
    summary="Whether everything the service stands on answers",
    operation_id="getHealth",
    responses=document({200: ("Everything answers.", Health)}, problems=(401, 503)),
)
def health() -> Response[Health]:
    """Whether table, bucket, queue and endpoint answer; 503 with the parts in `parts` when one does not."""
    found = _health_check().check()
    if found.status == "ok":
        return Response(HTTPStatus.OK, JSON, found)
    raise Unhealthy(found)


@app.get(
    "/config",
    summary="What a client needs before it has a token",
    operation_id="getConfig",
    responses=document({200: ("Where things are, and the limits.", PublicConfig)}),
)
def config() -> Response[PublicConfig]:
    """What a client needs before it has a token: where to get one, where the WebSocket is, and the limits."""
    settings = _settings()
    body = PublicConfig(
        socket_url=settings.socket_url,
        region=settings.aws_region,
        issuer=settings.issuer,
        client_id=settings.client_id,
        limits=Limits(upload_seconds=settings.upload_seconds),
    )
    return Response(HTTPStatus.OK, JSON, body)


def _darkroom_error(error: DarkroomError) -> Response[Any]:
    return _answer(problems.of_error(error))


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
app.exception_handler(RequestValidationError)(_invalid)
app.exception_handler(Unhealthy)(_unhealthy)
app.exception_handler(NotFoundError)(_no_route)
app.exception_handler(Exception)(_internal)


def _answer(told: Problem) -> Response[Any]:
    headers = {"Retry-After": "5"} if told.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    body = told.model_dump_json(exclude_none=True)
    return Response(told.status, problems.CONTENT_TYPE, body, headers=headers)


def _plain(told: Problem) -> dict[str, Any]:
    """A problem as the HTTP API takes it, where no route is involved."""
    body = told.model_dump_json(exclude_none=True)
    return {"statusCode": told.status, "headers": {"Content-Type": problems.CONTENT_TYPE}, "body": body}


def _owner() -> str:
    """The ``sub`` of the token that the authorizer let through. Raises ``DarkroomError`` without one."""
    request: dict[str, Any] = app.current_event["requestContext"]
    authorizer = request.get("authorizer") or {}
    owner = ((authorizer.get("jwt") or {}).get("claims") or {}).get("sub")
    if not owner:
        raise DarkroomError(ErrorCode.UNAUTHORIZED, "Send an access token: Authorization: Bearer …")
    return str(owner)


@cache
def _settings() -> ApiSettings:
    return ApiSettings.read()


@cache
def _desk() -> Desk:
    settings = _settings()
    presigner = Presigner(
        clients.s3(), settings.bucket, get_seconds=settings.result_seconds, post_seconds=settings.upload_seconds
    )
    return Desk(settings, JobStore(settings.jobs_table), presigner)


@cache
def _health_check() -> HealthCheck:
    brief = clients.BRIEF
    return HealthCheck(
        _settings(), clients.dynamodb(brief), clients.s3(brief), clients.sqs(brief), clients.sagemaker(brief)
    )


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Requests of the HTTP API (payload format 2.0)."""
    http = event["requestContext"]["http"]
    told = json_body.refuse(event) if (http["method"], event["rawPath"]) == ("POST", "/jobs") else None
    answer = app.resolve(event, context) if told is None else _plain(told)
    logger.info("answered", method=http["method"], path=http["path"], status=answer["statusCode"])
    return answer


at_start(_desk)
