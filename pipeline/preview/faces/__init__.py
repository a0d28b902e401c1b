"""Faces in the preview engine: detection, landmarks and animation."""
