"""Stand-in for a SageMaker asynchronous endpoint, with the container's server as its instances."""
