"""When a function makes its clients."""

import os
from collections.abc import Callable


def run_during_init(make: Callable[[], object]) -> None:
    """Call ``make`` (a cached factory) now when this process is a function's.

    A function's start has a full CPU whatever its memory size, its first call has not. Elsewhere (tests, the OpenAPI
    document) importing a handler must ask for no environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        make()
