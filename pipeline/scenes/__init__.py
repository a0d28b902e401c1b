"""``render_scenes``: scenes made side by side, and joined into one video."""
