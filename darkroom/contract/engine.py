"""Engines: the implementations that can run a job."""

from enum import StrEnum


class Engine(StrEnum):
    """Engine: neural networks, or OpenCV without any weights."""

    MODELS = "models"
    PREVIEW = "preview"
