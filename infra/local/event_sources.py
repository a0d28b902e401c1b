"""Event source mappings of a local stack's queues: paused while the endpoint cannot take what they deliver.

An invocation that does not reach the endpoint costs its job an attempt. Paused queues keep their messages.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# The emulator's saved state of Lambda, in the folder of its state.
SAVED = "lambda.json"


def pause(client: "LambdaClient") -> None:
    """Stop the delivery of queued messages. An emulator that does not respond delivers none."""
    with suppress(ClientError, BotoCoreError):
        _set_enabled(client, enabled=False)


def resume(client: "LambdaClient") -> None:
    """Start the delivery of queued messages. Raises botocore's errors."""
    _set_enabled(client, enabled=True)


def pause_saved(state: Path) -> None:
    """Pause in the emulator's saved state, so that it starts paused. Without a readable state, do nothing."""
    path = state / SAVED
    try:
        saved = json.loads(path.read_bytes())
        mappings = list(_queue_mappings(saved["payload"]["esms"]["data"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    for mapping in mappings:
        mapping.update(Enabled=False, State="Disabled")
    path.write_text(json.dumps(saved))


def _set_enabled(client: "LambdaClient", *, enabled: bool) -> None:
    for page in client.get_paginator("list_event_source_mappings").paginate():
        for mapping in _queue_mappings(page["EventSourceMappings"]):
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)


def _queue_mappings(mappings: Any) -> Iterator[Any]:
    return (mapping for mapping in mappings if ":sqs:" in mapping["EventSourceArn"])
