"""The worker that every lane shares: from an invocation to its outcome."""
