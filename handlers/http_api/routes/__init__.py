"""The API's routes, a module for each thing that callers handle: parse, one call into logic, answer."""
