"""Subtitles: cues from word times, subtitle files, and burning in."""
