"""The GPU container: the server that the asynchronous endpoint calls."""
