"""Assets: an owner's uploaded pictures, kept for later jobs."""
