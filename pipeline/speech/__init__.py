"""Voices: what is said, when each word is, and who says it."""
