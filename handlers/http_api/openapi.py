"""The OpenAPI 3.1 document of the API: ``python -m handlers.http_api.openapi`` prints it, ``--write`` saves it."""

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handlers.http_api.app import app

FILE = Path(__file__).with_name("openapi.json")
SCHEME = "token"
PUBLIC = "/config"

DESCRIPTION = """\
Turn people's photos into new pictures. `POST /jobs`, upload each picture with the form that comes back (all its
`fields` unchanged, then the file as `file`), and watch the job over the WebSocket of `GET /config`, or with
`GET /jobs/{job_id}`. Errors are problem details (RFC 9457) with a stable `code`.
"""


def openapi() -> dict[str, Any]:
    """Return the document, generated from the routes and the contract."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(title="Darkroom", version=version("darkroom"), description=DESCRIPTION)
    )
    document.pop("servers", None)  # every deployment has its own address
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
    return json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Print the document, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name} instead of printing")
    if parser.parse_args().write:
        FILE.write_text(text(), "utf-8")
    else:
        sys.stdout.write(text())


if __name__ == "__main__":
    main()
