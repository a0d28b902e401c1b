"""The same stack on this machine: MiniStack for AWS, a stand-in for the GPU endpoint, the real functions between."""
