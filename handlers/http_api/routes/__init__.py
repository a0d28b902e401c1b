"""Routes of the API, one module per resource: parse the request, call the service, build the response."""
