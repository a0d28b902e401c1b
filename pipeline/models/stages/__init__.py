"""Stages of the models engine."""
