"""Rendering of a restyled room: materials, light and quality scores."""
