"""A stand-in for a SageMaker asynchronous endpoint, with the container's own server as its instances."""
