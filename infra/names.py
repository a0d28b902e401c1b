"""Names shared by template and local runtime, without the CDK's import time of seconds."""

import re

UPLOADS = "uploads/"
RESULTS = "results/"
PREVIEWS = "previews/"
ASSETS = "assets/"
INTERMEDIATES = "intermediates/"
INVOCATIONS = "invocations/"
OUTCOMES = "outcomes/"
FAILURES = "outcomes/failures/"

# Of the endpoint's notifications, those that have the container's response, if it has at most 128 KB.
NOTICES_WITH_RESPONSE = ("SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC")

SOCKET_STAGE = "live"
GATEWAY_PARAMETER = "Gateway"

# URI of a container image in ECR of any partition, with a tag or a digest.
ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.(?:com|com\.cn|eu)/"
    r"(?P<name>[^:@]+)[:@](?P<reference>.+)"
)

FUNCTIONS = ("api", "authorize", "dispatch", "ended", "finished", "push", "socket", "sweep", "uploaded")

# The cpu lane's function, which runs a container image; a deployment with preview_on=endpoint has none.
CPU_FUNCTION = "cpu"


def function_output(name: str) -> str:
    """Return the stack output that holds a function's physical name.

    >>> function_output("api")
    'ApiFunction'
    """
    return f"{name.capitalize()}Function"
