"""Jobs: creation, uploads, retries, cached results and published events."""
