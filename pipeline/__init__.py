"""Processing of pictures, sound and video: stages, plans and the engines that carry them out. Knows nothing of AWS."""
