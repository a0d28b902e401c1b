"""The preview engine: OpenCV and NumPy, no weights, about a second per picture."""

import os

import cv2

# One job computes at a time; beyond four threads, starting them costs more than they bring at these sizes.
cv2.setNumThreads(min(4, os.cpu_count() or 1))
