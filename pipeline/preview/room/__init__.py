"""Room layout estimation: lines, vanishing points, surfaces and depth."""
