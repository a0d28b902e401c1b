"""Image processing that both engines share."""
