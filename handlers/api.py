"""Lambda function of the HTTP API."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.http_api import api_version, dependencies, json_body, problems
from handlers.http_api.app import app
from handlers.http_api.problems import Problem

# POST to these needs a body; on other routes it is optional.
WITH_BODY = ("/jobs", "/assets", "/prompts/enhance")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API (payload format 2.0)."""
    http = event["requestContext"]["http"]
    event = json_body.with_lower_case_headers(event)
    # Where a body is optional, the OpenAPI document admits null, too.
    sent = (event.get("body") or "").strip() not in ("", "null")
    body_required = http["method"] == "POST" and (event["rawPath"] in WITH_BODY or sent)
    rejection = api_version.check_client(event)
    if rejection is None and body_required:
        rejection = json_body.check_json_body(event)
    if rejection is None:
        response = app.resolve(json_body.with_json_content_type(event), context)
    else:
        response = _problem_response(rejection)
    response = api_version.add_header(response)
    logger.info("answered", method=http["method"], path=http["path"], status=response["statusCode"])
    return response


def _problem_response(problem: Problem) -> dict[str, Any]:
    """Return a problem as a response of the HTTP API, for requests refused before routing."""
    body = problem.model_dump_json(exclude_none=True)
    return {"statusCode": problem.status, "headers": {"Content-Type": problems.CONTENT_TYPE}, "body": body}


run_during_init(dependencies.job_service)
