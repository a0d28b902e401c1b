"""The GPU container: HTTP server of the SageMaker asynchronous inference endpoint."""
