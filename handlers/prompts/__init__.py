"""Prompt enhancement by rules or by a language model."""
