"""Preview engine: OpenCV and NumPy, no weights, about a second per picture."""

import os

import cv2

# One job computes at a time; at these sizes, more than four threads cost more than they gain.
cv2.setNumThreads(min(4, os.cpu_count() or 1))
