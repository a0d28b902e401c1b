"""HTTP server of the stand-in: ``InvokeEndpointAsync``, ``DescribeEndpoint`` and the fault switches.

Shapes and errors are those of botocore's service models ``sagemaker-runtime`` (rest-json) and ``sagemaker`` (JSON 1.1).
The request guard verifies signatures, also for the fault switches.
"""

import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.access.guard import RequestGuard
from infra.local.access.request import Request as GuardedRequest
from infra.local.access.routes import Opening
from infra.local.access.signatures import SecretOf, Verifier
from infra.local.endpoint import credentials
from infra.local.endpoint.credentials import RoleCredentials
from infra.local.endpoint.endpoint import Endpoint
from infra.local.endpoint.faults import Faults
from infra.local.endpoint.fleet import Fleet
from infra.local.endpoint.invocation import InvalidInvocation, parse
from infra.local.endpoint.settings import HEALTH, Settings

logger = logging.getLogger(__name__)

JSON_1_1 = "application/x-amz-json-1.1"


class EndpointServer:
    """Routes of one endpoint."""

    def __init__(
        self,
        settings: Settings,
        endpoint: Endpoint,
        fleet: Fleet,
        faults: Faults,
        role: RoleCredentials | None,
        secret_of: SecretOf,
    ) -> None:
        self._settings = settings
        self.endpoint = endpoint
        self._fleet = fleet
        self._faults = faults
        self.role = role
        self._secret_of = secret_of
        self._created = time.time()

    def app(self) -> Starlette:
        """Return the application; its startup resumes the endpoint, its shutdown closes it."""
        return Starlette(
            routes=[
                Route("/endpoints/{name}/async-invocations", self.invoke, methods=["POST"]),
                Route("/", self.control, methods=["POST"]),
                Route(HEALTH, self.health, methods=["GET"]),
                Route("/_faults", self.read_faults, methods=["GET"]),
                Route("/_faults", self.set_faults, methods=["POST"]),
                Route("/_status", self.status, methods=["GET"]),
                Route(credentials.PATH, self.role_session, methods=["GET"]),
            ],
            lifespan=self._lifespan,
            middleware=[
                Middleware(RequestGuard, verifier=Verifier(self._secret_of), port=self._settings.port, opening=_opening)
            ],
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(self.endpoint.resume)
        yield
        await run_in_threadpool(self.endpoint.close)

    async def invoke(self, request: Request) -> Response:
        """Handle ``InvokeEndpointAsync``."""
        if self._faults.values.unreachable:
            return _error(503, "ServiceUnavailable", "The service is unavailable.")
        name = request.path_params["name"]
        if name != self._settings.endpoint_name:
            return _error(400, "ValidationError", f"Endpoint {name} of account 000000000000 not found.")
        try:
            invocation = parse(name, request.headers, await request.body())
        except InvalidInvocation as error:
            return _error(400, "ValidationError", str(error))
        try:
            await run_in_threadpool(self.endpoint.submit, invocation)
        except OSError as error:
            logger.exception("%s could not be stored", invocation.inference_id)
            return _error(500, "InternalFailure", f"The invocation could not be stored: {error.strerror}.")
        headers = {"X-Amzn-SageMaker-OutputLocation": self.endpoint.output_location(invocation)}
        failures = self.endpoint.failure_location(invocation)
        if failures is not None:
            headers["X-Amzn-SageMaker-FailureLocation"] = failures
        return JSONResponse({"InferenceId": invocation.inference_id}, status_code=202, headers=headers)

    async def control(self, request: Request) -> Response:
        """Handle ``DescribeEndpoint``, the only operation of the control plane here."""
        if self._faults.values.unreachable:
            return _error(503, "ServiceUnavailable", "The service is unavailable.")
        target = request.headers.get("x-amz-target", "")
        if target != "SageMaker.DescribeEndpoint":
            return _error(400, "UnknownOperationException", f"The stand-in does not know {target!r}.")
        try:
            name = json.loads(await request.body())["EndpointName"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "SerializationException", "The body is not a DescribeEndpoint request.")
        if name != self._settings.endpoint_name:
            return _error(400, "ValidationException", f'Could not find endpoint "{name}".')
        return Response(json.dumps(self._description()), media_type=JSON_1_1)

    async def health(self, _request: Request) -> Response:
        """Respond with 200."""
        return JSONResponse({"status": "ok"})

    async def read_faults(self, _request: Request) -> Response:
        """Return the fault switches."""
        return JSONResponse(self._faults.values.model_dump())

    async def set_faults(self, request: Request) -> Response:
        """Change the switches in the body; return all of them."""
        try:
            values = self._faults.update(dict(await request.json()))
        except (ValidationError, ValueError, TypeError) as error:
            return JSONResponse({"detail": str(error)}, status_code=400)
        self._fleet.reevaluate()
        return JSONResponse(values.model_dump())

    async def status(self, _request: Request) -> Response:
        """Return the number of ready instances, and of waiting and running invocations."""
        return JSONResponse({"instances": self._fleet.ready, "invocations": self._fleet.demand})

    def role_session(self, request: Request) -> Response:
        """Return credentials to a container that presents its token."""
        if self.role is None or not self.role.allows(request.headers.get("authorization", "")):
            return JSONResponse({"code": "AccessDenied", "message": "Not one of our containers."}, status_code=403)
        return JSONResponse(self.role.session())

    def _description(self) -> dict[str, object]:
        settings = self._settings
        notices = {
            "SuccessTopic": settings.success_topic_arn,
            "ErrorTopic": settings.error_topic_arn,
            "IncludeInferenceResponseIn": settings.include_inference_response_in or None,
        }
        output: dict[str, object] = {
            "S3OutputPath": settings.output_location,
            "NotificationConfig": {name: value for name, value in notices.items() if value is not None},
        }
        if settings.failure_location is not None:
            output["S3FailurePath"] = settings.failure_location
        arn = f"arn:aws:sagemaker:{settings.aws_region}:000000000000:endpoint/{settings.endpoint_name}"
        return {
            "EndpointName": settings.endpoint_name,
            "EndpointArn": arn,
            "EndpointConfigName": settings.endpoint_name,
            "EndpointStatus": "InService",
            "ProductionVariants": [{"VariantName": "gpu", "CurrentInstanceCount": self._fleet.ready}],
            "AsyncInferenceConfig": {"OutputConfig": output},
            "CreationTime": self._created,
            "LastModifiedTime": self._created,
        }


def _opening(request: GuardedRequest) -> Opening | None:
    """Open the health check, and the credentials, for which a container presents its token."""
    if request.method != "GET" or request.path not in (HEALTH, credentials.PATH):
        return None
    return Opening(keeps=frozenset({"authorization"}))


def _error(status: int, code: str, message: str) -> Response:
    body = {"__type": code, "Message": message, "message": message}
    return JSONResponse(body, status_code=status, headers={"x-amzn-ErrorType": code})
