"""Counts of what a job of each kind uses of AWS: calls, function runs, messages, request units and log bytes."""

CALL_LOG_MODULE = "bench.control_plane.call_log"  # not imported here: MiniStack configures its process's logging
CALL_LOG = "calls.jsonl"
