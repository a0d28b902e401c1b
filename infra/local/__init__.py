"""Local stack: MiniStack for AWS, a stand-in for the GPU endpoint, and the real functions."""
