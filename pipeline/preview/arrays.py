"""Names for the arrays that this engine works on.

OpenCV's own annotations lose the element type of what they return, so a checked dtype would mean a cast at every call;
the names say it to people, and shapes and ranges are in the docstrings.
"""

from typing import Any

from numpy.typing import NDArray

Floats = NDArray[Any]  # float32, where speed matters, or float64
Bytes = NDArray[Any]  # uint8
Integers = NDArray[Any]  # int64
Mask = NDArray[Any]  # bool
