"""Emulator's state in memory: serialized for a snapshot, and restored from one at the start.

MiniStack saves its services one by one, without the records that functions have not read from the tables' streams.
Here they are saved and restored as well, so that no change of a job is missed.
"""

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence
from ministack.core.arn import parse_arn
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudformation, dynamodb, lambda_svc, sqs

_STREAMS = "stream_records"
_ATTEMPTS = 5


class StateUnusable(RuntimeError):
    """Raised when a service cannot load its saved state; the message names its file."""


def keep_code_archives() -> None:
    """Keep code archives that only an earlier snapshot needs; ``SnapshotFiles.repair`` removes the unused ones."""
    lambda_svc._prune_orphan_code_blobs = lambda _referenced: None


def is_deploying() -> bool:
    """Return True while a stack is created or updated: a restored emulator would not finish that."""
    return any(stack["StackStatus"].endswith("_IN_PROGRESS") for _, stack in cloudformation._stacks.all_items())


def serialized() -> dict[str, str]:
    """Return the state of all services and streams as the texts of state files, by their names."""
    return {f"{service}.json": _text(service, state) for service, state in _states().items()}


def restore() -> None:
    """Load the saved state of every service. Raises ``StateUnusable``.

    MiniStack's own loader goes on with an empty service if one cannot be loaded, and would save that later.
    """
    streams = persistence.load_state(_STREAMS)
    if streams is not None:
        # In this order: functions start to read as soon as they are restored.
        dynamodb._stream_trimmed.update(streams["trimmed"])
        dynamodb._stream_records.update(streams["records"])
    for service, module in ministack._state_map.items():
        path = Path(persistence.STATE_DIR) / f"{service}.json"
        if not path.exists():
            continue
        data = persistence.load_state(service)
        if data is None:
            raise StateUnusable(f"{path} cannot be read, or was written by a newer emulator")
        if service == "lambda" and streams is None:
            # Of a version that saved the positions in the streams, but not the records: new ones would be skipped.
            data.pop("dynamodb_stream_positions", None)
        try:
            ministack._get_module(module).load_persisted_state(data)
        except Exception as error:
            raise StateUnusable(f"{path} cannot be loaded: {error!r}") from error
    _release_messages()


def _states() -> dict[str, Any]:
    """Return copies of all states. Where other threads run, one may change while it is copied: then start again."""
    for attempt in range(_ATTEMPTS):
        try:
            states = {service: get_state() for service, get_state in ministack._build_persistence_save_dict().items()}
        except RuntimeError:  # "dictionary changed size during iteration"
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            states[_STREAMS] = _unread_records()
            return {service: state for service, state in states.items() if state is not None}
    raise AssertionError("unreachable")


def _text(service: str, state: Any) -> str:
    """Return a state file as MiniStack writes it; ``json.dumps`` is several times as fast as its ``json.dump``."""
    wrapped = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    return json.dumps(wrapped, default=persistence._json_default)


def _unread_records() -> dict[str, AccountRegionScopedDict]:
    """Return each stream's records from the first that a function has not read, and how many come before it.

    Positions count from the beginning of a stream, so those saved with the functions stay valid.
    """
    positions: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for (account, region, mapping_id), mapping in lambda_svc._esms.all_items():
        source = parse_arn(mapping["EventSourceArn"])
        if source.service == "dynamodb":
            position = lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping_id, 0)
            table, _label = lambda_svc._dynamodb_stream_table_from_arn_spec(source)
            positions[account, region, table].append(position)
    records, trimmed = AccountRegionScopedDict(), AccountRegionScopedDict()
    for (account, region, table), known in dynamodb._stream_records.all_items():
        first = dynamodb._stream_trimmed.get_scoped(account, region, table, 0)
        unread = max(min(positions.get((account, region, table), [first + len(known)])), first)
        records.set_scoped(account, region, table, known[unread - first :])
        trimmed.set_scoped(account, region, table, unread)
    return {"records": records, "trimmed": trimmed}


def _release_messages() -> None:
    """Make messages in flight visible again: their consumers ended with the emulator, and that is no failed attempt."""
    now = time.time()
    for _, queue in sqs._queues.all_items():
        for message in queue["messages"]:
            if message.get("receive_count") and message["visible_at"] > now:
                message["visible_at"] = now
                message["receive_count"] -= 1
