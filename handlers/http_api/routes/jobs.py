"""Job routes: create, read, list, cancel and rerun jobs."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from cloud.observability import logger
from darkroom.contract.jobs import Job, State
from darkroom.contract.requests import JobRequest, Kind
from handlers.http_api import cursor, dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.http_api.response_models import JobPage, JobWithUploads
from handlers.http_api.routes.parameters import Cursor, IdempotencyKey, JobIdPath, Limit
from handlers.jobs.resolved_request import Rerun
from handlers.jobs.service import SubmittedJob

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


def _owner() -> str:
    return Caller.of(router.current_event).owner


def _submitted(submitted: SubmittedJob) -> Response[JobWithUploads]:
    service, record = dependencies.job_service(), submitted.record
    logger.append_keys(job_id=record.job_id)
    body = JobWithUploads(job=service.public(record), uploads=service.presigned_posts(record))
    status = HTTPStatus.CREATED if submitted.new else HTTPStatus.OK
    return Response(status, JSON, body, headers={"Location": f"/jobs/{record.job_id}", **submitted.headers})


@router.post(
    "/jobs",
    summary="Ask for a job",
    operation_id="createJob",
    responses=document_responses(
        {201: ("A new job, and forms to upload its pictures.", JobWithUploads)},
        {200: ("The job that this Idempotency-Key made before.", JobWithUploads)},
        problems=(401, 404, 409, 410, 413, 415, 422, 429),
    ),
)
def create_job(
    request: Annotated[JobRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[JobWithUploads]:
    """Ask for a job: 201 and forms to upload its pictures; 200 when this Idempotency-Key made it before.

    A job whose like was made before is completed at once and asks for no upload; assets are taken without one.
    """
    return _submitted(dependencies.job_service().create(_owner(), request, idempotency_key))


@router.post(
    "/jobs/<job_id>/rerun",
    summary="A job that ended, once more as a new job",
    operation_id="rerunJob",
    responses=document_responses(
        {201: ("A new job; it asks for no upload.", JobWithUploads)},
        {200: ("The job that this Idempotency-Key made before.", JobWithUploads)},
        problems=(401, 404, 409, 410, 413, 415, 422, 429),
    ),
)
def rerun_job(
    job_id: JobIdPath, rerun: Annotated[Rerun | None, Body()] = None, idempotency_key: IdempotencyKey = None
) -> Response[JobWithUploads]:
    """A job that ended, once more with the same pictures: what the body says differs, everything else is as before."""
    return _submitted(dependencies.job_service().rerun(_owner(), job_id, rerun or Rerun(), idempotency_key))


@router.get(
    "/jobs",
    summary="Your jobs, newest first",
    operation_id="listJobs",
    responses=document_responses({200: ("A page of jobs.", JobPage)}, problems=(401, 422)),
)
def list_jobs(
    status: Annotated[State | None, Query(description="Only jobs in this state.")] = None,
    kind: Annotated[Kind | None, Query(description="Only jobs of this kind.")] = None,
    cursor_: Cursor = None,
    limit: Limit = 20,
) -> Response[JobPage]:
    """The caller's jobs, newest first."""
    after = None if cursor_ is None else cursor.decode(cursor_)
    records, position = dependencies.job_service().page(_owner(), limit=limit, state=status, kind=kind, after=after)
    jobs = [dependencies.job_service().public(record) for record in records]
    return Response(HTTPStatus.OK, JSON, JobPage(jobs=jobs, cursor=cursor.encode(position)))


@router.get(
    "/jobs/<job_id>",
    summary="A job as it is now",
    operation_id="getJob",
    responses=document_responses({200: ("The job, with fresh links to its pictures.", Job)}, problems=(401, 404)),
)
def get_job(job_id: JobIdPath) -> Response[Job]:
    """A job as it is now."""
    logger.append_keys(job_id=job_id)
    return Response(
        HTTPStatus.OK, JSON, dependencies.job_service().public(dependencies.job_service().get(_owner(), job_id))
    )


@router.delete(
    "/jobs/<job_id>",
    summary="Cancel a job",
    operation_id="cancelJob",
    responses=document_responses({200: ("The job, cancelled now or before.", Job)}, problems=(401, 404, 409)),
)
def cancel_job(job_id: JobIdPath) -> Response[Job]:
    """Cancel a job that has not ended; cancelling it again is fine."""
    logger.append_keys(job_id=job_id)
    return Response(
        HTTPStatus.OK, JSON, dependencies.job_service().public(dependencies.job_service().cancel(_owner(), job_id))
    )


@router.post(
    "/jobs/<job_id>/uploads",
    summary="Fresh forms for the pictures that a job waits for",
    operation_id="renewUploads",
    responses=document_responses({200: ("The job, and its forms.", JobWithUploads)}, problems=(401, 404, 409)),
)
def renew_uploads(job_id: JobIdPath) -> Response[JobWithUploads]:
    """Fresh forms for the pictures that a job still waits for, and time to use them."""
    logger.append_keys(job_id=job_id)
    service = dependencies.job_service()
    record = service.renew_uploads(_owner(), job_id)
    return Response(
        HTTPStatus.OK, JSON, JobWithUploads(job=service.public(record), uploads=service.presigned_posts(record))
    )
