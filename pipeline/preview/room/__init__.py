"""Room layout estimation: line segments, vanishing points, surfaces and depth."""
