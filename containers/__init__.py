"""Containers: the worker, and the GPU container that SageMaker runs."""
