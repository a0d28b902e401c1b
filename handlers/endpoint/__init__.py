"""The SageMaker endpoint: its state, cold starts and costs."""
