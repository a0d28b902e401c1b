"""The container that SageMaker runs."""
