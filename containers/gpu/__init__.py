"""The GPU container: the HTTP server that the asynchronous SageMaker endpoint calls."""
