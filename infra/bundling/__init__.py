"""Bundling of deployed code: the functions' code and layer, and the studio."""
