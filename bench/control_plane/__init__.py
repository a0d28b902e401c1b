"""Counts of what a job of each kind uses of AWS: calls, function runs, messages, request units and log bytes."""

CALL_LOG = "calls.jsonl"
# Not imported here: MiniStack configures its process's logging.
EMULATOR_MODULE = "bench.control_plane.emulator"
ENDPOINT_MODULE = "bench.control_plane.endpoint"
