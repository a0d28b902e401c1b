"""Warm-up: starts a process of every function, so that the first job does not wait for each in turn."""

import json
from collections.abc import Mapping
from typing import Any

from cloud.invocation import WARM
from infra.local.clients import Clients

_NOBODY = "0" * 32
_MESSAGE = {
    "messageId": "warm",
    "receiptHandle": "warm",
    "attributes": {"ApproximateReceiveCount": "1"},
    "messageAttributes": {},
    "eventSource": "aws:sqs",
    "awsRegion": "us-east-1",
}
# Valid events that have no effect.
EVENTS: dict[str, dict[str, Any]] = {
    "uploaded": {"Records": [{**_MESSAGE, "body": "{}"}]},
    "dispatch": {"Records": [{**_MESSAGE, "body": json.dumps({"job_id": _NOBODY, "attempt": 1})}]},
    "push": {"Records": []},
    "ended": {"Records": []},
    "finished": {"Records": []},
    "authorize": {"methodArn": "warm"},
    "cpu": {"inference_id": WARM},
    "socket": {"requestContext": {"eventType": "DISCONNECT", "connectionId": "warm"}},
}


def warm_up_functions(clients: Clients, functions: Mapping[str, str]) -> None:
    """Invoke functions asynchronously; failures to start are ignored."""
    client = clients("lambda")
    for name, event in EVENTS.items():
        if name not in functions:  # the cpu lane's, where previews run on the endpoint
            continue
        client.invoke(FunctionName=functions[name], InvocationType="Event", Payload=json.dumps(event))
