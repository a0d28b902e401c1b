"""The HTTP API: routes, problem details and the OpenAPI document; no logic."""
