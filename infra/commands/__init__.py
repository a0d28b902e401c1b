"""Commands of the ``darkroom`` program for operators: local stack, demo and models."""
