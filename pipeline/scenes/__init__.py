"""Multi-scene videos (``render_scenes``): clips rendered in parallel and joined into one video."""
