"""Inpainting without networks: patch matching and filling."""
