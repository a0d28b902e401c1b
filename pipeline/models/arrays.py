"""Array types of the models engine, by dtype."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Masks = NDArray[np.bool_]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
