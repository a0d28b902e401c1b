"""The models engine: neural networks from detection to diffusion. Only ``networks/`` and ``offload/`` import torch."""
