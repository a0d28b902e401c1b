"""Engines: the implementations that can run a job."""

from darkroom.contract.open_enum import OpenEnum


class Engine(OpenEnum):
    """Engine: neural networks, or OpenCV without any weights."""

    MODELS = "models"
    PREVIEW = "preview"
