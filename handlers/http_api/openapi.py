"""The OpenAPI 3.1 document of the API: ``python -m handlers.http_api.openapi`` prints it, ``--write`` saves it."""

import json
from pathlib import Path
from typing import Any

from darkroom.contract.version import installed_version
from handlers.description_file import as_text, print_or_write
from handlers.http_api import openapi_examples, openapi_schemas
from handlers.http_api.app import app

FILE = Path(__file__).with_name("openapi.json")
SCHEME = "token"
PUBLIC = "/config"

DESCRIPTION = """\
Turn people's photos into new pictures. `POST /jobs`, upload each picture with the form that comes back (all its
`fields` unchanged, then the file as `file`), and watch the job over the WebSocket of `GET /config`, or with
`GET /jobs/{job_id}`. Errors are problem details (RFC 9457) with a stable `code`.

API Gateway answers some requests itself, with `{"message": "…"}` as `application/json` and without a `code`: 401 for a
missing or invalid token, and 413, 429, 500, 503 or 504 when the API is not called or does not answer.

Fields of requests that have a default may be left out; answers have every field. openapi-typescript needs
`--default-non-nullable false` for that.

A later version may add fields to answers, and values to their enumerations, which are marked `x-extensible-enum`:
ignore unknown fields, and keep unknown values as text. Have generated clients do so, too. `ended` of a job is true in
every terminal state, also in one that a client does not know. Requests accept the listed fields and values alone.

Every answer has the header `Darkroom-Api-Version`. A client may send the version that it was made for in the same
header: if the service does not support it any more, the answer is `client_too_old` and says what to do.
"""


SERVERS = [
    {
        "url": "https://{api_id}.execute-api.{region}.{suffix}",
        "description": "A deployment on AWS. Every deployment has its own address: the output `ApiUrl` of its stack.",
        "variables": {
            "api_id": {"default": "abc", "description": "The id of the deployment's HTTP API."},
            "region": {"default": "us-east-1", "description": "The deployment's AWS region."},
            "suffix": {"default": "amazonaws.com", "description": "`amazonaws.com.cn` in China."},
        },
    },
    {
        "url": "{address}",
        "description": "The local stack, or a deployment with a domain of its own.",
        "variables": {"address": {"default": "http://127.0.0.1:4566", "description": "`darkroom status` prints it."}},
    },
]
TAGS = {
    "jobs": "Create, read, list, cancel and rerun jobs.",
    "assets": "Your library: uploads and results that outlive their jobs.",
    "prompts": "Enhance prompts before they are used in a job.",
    "styles": "Styles, avatars and voices that params can name.",
    "limits": "Your rate limits and the budget of the day.",
    "service": "Public configuration, health and status of the service.",
    "administration": "Statistics and the result cache. For administrators.",
}


def openapi() -> dict[str, Any]:
    """Return the document, generated from the routes and the contract."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(title="Darkroom", version=installed_version(), description=DESCRIPTION)
    )
    document["info"]["license"] = {"name": "Apache 2.0", "identifier": "Apache-2.0"}
    document["servers"] = SERVERS
    document["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(unused, None)
    document["components"]["securitySchemes"] = {
        SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the issuer in `GET /config`. A job belongs to the token's `sub`.",
        }
    }
    document["security"] = [{SCHEME: []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _tidy(operation)
            if path == PUBLIC:
                operation["security"] = []
    openapi_schemas.require_fields_of_answers(document)
    openapi_schemas.mark_open_enumerations(document)
    openapi_examples.add_examples(document)
    return document


def _tidy(operation: dict[str, Any]) -> None:
    """Remove powertools' own validation errors, and restore the case of header names."""
    for status, response in list(operation["responses"].items()):
        if "HTTPValidationError" in json.dumps(response):
            del operation["responses"][status]
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].title()


def text() -> str:
    """Return the document as committed."""
    return as_text(openapi())


def main() -> None:
    """Print the document, or write it."""
    print_or_write(FILE, text, __doc__)


if __name__ == "__main__":
    main()
