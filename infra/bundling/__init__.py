"""Bundling of what is deployed: the functions' code and layer, and the studio."""
