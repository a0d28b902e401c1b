"""The worker, shared by all lanes: runs an invocation and returns its outcome."""
