"""Job contract, as callers see it: requests, params, uploads, results, states and errors."""
