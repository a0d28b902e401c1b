"""Out-of-memory detection: what each runtime says when memory runs out, in one table."""

import re

# cv2.error carries OpenCV's code: Error::StsNoMem.
OPENCV_NO_MEMORY = -4

# The words of each runtime. Errors are recognised by them, as only torch has a class of its own for it, as this module
# imports no runtime, and as programs of others say it on their stderr.
MESSAGES = {
    # torch: "CUDA out of memory. Tried to allocate …", on the CPU "DefaultCPUAllocator: can't allocate memory: …".
    # CTranslate2: "CUDA failed with error out of memory". ONNX Runtime: "CUDA failure 2: out of memory".
    "CUDA, by the runtime that called it": r"[Oo]ut of memory|OutOfMemoryError|cudaErrorMemoryAllocation",
    "torch on the CPU": r"DefaultCPUAllocator: (?:can't allocate|not enough) memory",
    # torch, CTranslate2 and ONNX Runtime all quote the status.
    "cuBLAS, cuDNN, cuSPARSE, cuSOLVER": r"(?:CUBLAS|CUDNN|CUSPARSE|CUSOLVER)_STATUS_(?:\w+_)?ALLOC(?:ATION)?_FAILED",
    "cuFFT": r"CUFFT_ALLOC_FAILED",
    "CTranslate2 on the CPU": r"failed to allocated? memory",
    "ONNX Runtime's arena": r"Failed to allocate memory for requested buffer|Available memory of \d+ is smaller than",
    "OpenCV": r"\(-4:Insufficient memory\)",
    "Python and C++": r"\bMemoryError\b|\bstd::bad_alloc\b|Cannot allocate memory|Unable to allocate \S+ \w?i?B\b",
}
OUT_OF_MEMORY = re.compile("|".join(f"(?:{words})" for words in MESSAGES.values()))


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if ``error`` means that the device's or the host's memory ran out."""
    kind = type(error)
    return (
        isinstance(error, MemoryError)
        or kind.__name__ == "OutOfMemoryError"
        or (kind.__module__ == "cv2" and getattr(error, "code", None) == OPENCV_NO_MEMORY)
        or OUT_OF_MEMORY.search(str(error)) is not None
    )
