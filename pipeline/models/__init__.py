"""The models engine: neural networks from detection to diffusion. Only ``networks/`` and ``device.py`` import torch."""
