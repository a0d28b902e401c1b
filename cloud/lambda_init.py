"""Lambda init phase: creates clients before the first invocation."""

import os
from collections.abc import Callable


def run_during_init(make: Callable[[], object]) -> None:
    """Call ``make`` (a cached factory) now if this process is a Lambda function.

    The init phase has a full CPU at any memory size; the first invocation has not. Elsewhere (tests, the OpenAPI
    document) importing a handler must not need its environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        make()
