"""Job routes: create, read, list, cancel and rerun jobs."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from cloud.observability import logger
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import JobRequest
from handlers.http_api import cursor, dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.http_api.page_size import jobs_that_fit
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
    summary="Create a job",
    operation_id="createJob",
    tags=["jobs"],
    responses=document_responses(
        {201: ("A new job, and forms to upload its pictures.", JobWithUploads)},
        {200: ("The job that was created with this Idempotency-Key before.", JobWithUploads)},
        problems=(401, 404, 409, 410, 413, 415, 422, 429),
    ),
)
def create_job(
    request: Annotated[JobRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[JobWithUploads]:
    """Create a job: 201 and forms to upload its pictures; 200 if this Idempotency-Key created it before.

    A job identical to an earlier one is completed at once, without an upload. Assets need no upload either.
    """
    return _submitted(dependencies.job_service().create(_owner(), request, idempotency_key))


@router.post(
    "/jobs/<job_id>/rerun",
    summary="Rerun an ended job as a new job",
    operation_id="rerunJob",
    tags=["jobs"],
    responses=document_responses(
        {201: ("A new job; it needs no upload.", JobWithUploads)},
        {200: ("The job that was created with this Idempotency-Key before.", JobWithUploads)},
        problems=(401, 404, 409, 410, 413, 415, 422, 429),
    ),
)
def rerun_job(
    job_id: JobIdPath, rerun: Annotated[Rerun | None, Body()] = None, idempotency_key: IdempotencyKey = None
) -> Response[JobWithUploads]:
    """Create a new job from an ended one, with the same pictures. Fields of the body replace the old job's values."""
    return _submitted(dependencies.job_service().rerun(_owner(), job_id, rerun or Rerun(), idempotency_key))


@router.get(
    "/jobs",
    summary="Your jobs, newest first",
    operation_id="listJobs",
    tags=["jobs"],
    responses=document_responses({200: ("A page of jobs.", JobPage)}, problems=(401, 422)),
)
def list_jobs(
    status: Annotated[State | None, Query(description="Only jobs in this state.")] = None,
    kind: Annotated[Kind | None, Query(description="Only jobs of this kind.")] = None,
    cursor_: Cursor = None,
    limit: Limit = 20,
) -> Response[JobPage]:
    """List the caller's jobs, newest first. A page may have fewer than ``limit`` before the last one."""
    after = None if cursor_ is None else cursor.decode(cursor_)
    service = dependencies.job_service()
    records, position = service.page(_owner(), limit=limit, state=status, kind=kind, after=after)
    jobs, position = jobs_that_fit(records, position, service.public)
    return Response(HTTPStatus.OK, JSON, JobPage(jobs=jobs, cursor=cursor.encode(position)))


@router.get(
    "/jobs/<job_id>",
    summary="Get a job",
    operation_id="getJob",
    tags=["jobs"],
    responses=document_responses({200: ("The job, with fresh links to its pictures.", Job)}, problems=(401, 404)),
)
def get_job(job_id: JobIdPath) -> Response[Job]:
    """Return the current state of a job."""
    logger.append_keys(job_id=job_id)
    return Response(
        HTTPStatus.OK, JSON, dependencies.job_service().public(dependencies.job_service().get(_owner(), job_id))
    )


@router.delete(
    "/jobs/<job_id>",
    summary="Cancel a job",
    operation_id="cancelJob",
    tags=["jobs"],
    responses=document_responses({200: ("The cancelled job.", Job)}, problems=(401, 404, 409)),
)
def cancel_job(job_id: JobIdPath) -> Response[Job]:
    """Cancel a job that has not ended. Idempotent."""
    logger.append_keys(job_id=job_id)
    return Response(
        HTTPStatus.OK, JSON, dependencies.job_service().public(dependencies.job_service().cancel(_owner(), job_id))
    )


@router.post(
    "/jobs/<job_id>/uploads",
    summary="Renew the upload forms of a job",
    operation_id="renewUploads",
    tags=["jobs"],
    responses=document_responses({200: ("The job, and its upload forms.", JobWithUploads)}, problems=(401, 404, 409)),
)
def renew_uploads(job_id: JobIdPath) -> Response[JobWithUploads]:
    """Return new forms for the uploads that a job still awaits, and extend its upload deadline."""
    logger.append_keys(job_id=job_id)
    service = dependencies.job_service()
    record = service.renew_uploads(_owner(), job_id)
    return Response(
        HTTPStatus.OK, JSON, JobWithUploads(job=service.public(record), uploads=service.presigned_posts(record))
    )
