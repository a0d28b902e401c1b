"""Array types: names for the dtypes that type checkers cannot see.

OpenCV's annotations lose the element type of what it returns, so a checked dtype would mean a cast at every call.
These names tell people the dtype; docstrings give shapes and value ranges.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]  # H×W×3, sRGB
Floats = NDArray[Any]  # float32, where speed matters, or float64
Bytes = NDArray[Any]  # uint8
Integers = NDArray[Any]  # int64
Mask = NDArray[Any]  # bool
