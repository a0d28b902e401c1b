"""Array types: names that say what an array holds, where its annotation alone does not.

OpenCV's own annotations lose the element type of what they return, so a checked dtype would mean a cast at every call;
the names say it to people, and shapes and ranges are in the docstrings.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]  # H×W×3, sRGB
Floats = NDArray[Any]  # float32, where speed matters, or float64
Bytes = NDArray[Any]  # uint8
Integers = NDArray[Any]  # int64
Mask = NDArray[Any]  # bool
