"""Stages, artifacts, plans, the runner and the stage cache: no kind, no engine."""
