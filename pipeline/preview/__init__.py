"""The preview engine: OpenCV and NumPy, no weights, about a second per picture."""
