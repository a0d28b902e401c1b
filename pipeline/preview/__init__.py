"""Preview engine: OpenCV and NumPy, no weights, about a second per picture."""

import cv2

from pipeline.core.processors import thread_count

# One job computes at a time.
cv2.setNumThreads(thread_count())
