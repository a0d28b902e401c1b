"""Out-of-memory detection: what torch, OpenCV, CTranslate2, ONNX Runtime and NVIDIA's libraries say."""

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.failures import translate_errors
from pipeline.core.out_of_memory import is_out_of_memory

# As each runtime words it; the source files are public.
OUT_OF_MEMORY = {
    "torch": "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.58 GiB",
    "torch, outside its allocator": "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    "torch's cuBLAS": "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "torch's cuDNN": "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN 9": "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "cuFFT": "cuFFT error: CUFFT_ALLOC_FAILED",
    "torch on the CPU": "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you",
    "CTranslate2": "CUDA failed with error out of memory",
    "CTranslate2's cuBLAS": "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED",
    "CTranslate2 on the CPU": "mkl_malloc: failed to allocate memory",
    "ONNX Runtime's arena": "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running "
    "Conv node. bfc_arena.cc:376 onnxruntime::BFCArena::AllocateRawInternal Failed to allocate memory for requested "
    "buffer of size 67108864",
    "ONNX Runtime's CUDA": "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc",
    "ONNX Runtime's limit": "Available memory of 1024 is smaller than requested bytes of 67108864",
    "OpenCV": "OpenCV(4.14.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 3000000000 bytes",
    "C++": "std::bad_alloc",
}
OTHER = {
    "a missing library": "Library libcublas.so.12 is not found or cannot be loaded",
    "a driver that is too old": "CUDA driver version is insufficient for CUDA runtime version",
    "an illegal access": "CUDA error: an illegal memory access was encountered",
    "cuBLAS without a device": "CUBLAS_STATUS_NOT_INITIALIZED",
    "our own": "networks: 9000 MB of weights exceed the 6000 MB that the device has for them.",
}


def code_of(error: Exception) -> tuple[ErrorCode, bool]:
    with pytest.raises(DarkroomError) as raised, translate_errors("detect", None):
        raise error
    return raised.value.detail.code, raised.value.detail.retryable


@pytest.mark.parametrize("words", OUT_OF_MEMORY.values(), ids=OUT_OF_MEMORY)
def test_memory_that_ran_out_is_recognised_in_the_words_of_each_runtime(words: str) -> None:
    assert code_of(RuntimeError(words)) == (ErrorCode.OUT_OF_MEMORY, True)


@pytest.mark.parametrize("words", OTHER.values(), ids=OTHER)
def test_other_errors_are_no_lack_of_memory(words: str) -> None:
    assert not is_out_of_memory(RuntimeError(words))
    assert code_of(RuntimeError(words)) == (ErrorCode.INTERNAL, False)


def test_errors_with_a_class_or_a_code_of_their_own_are_recognised_without_words() -> None:
    opencv = type("error", (Exception,), {"__module__": "cv2", "code": -4})
    for error in (MemoryError(), type("OutOfMemoryError", (RuntimeError,), {})(), opencv()):
        assert code_of(error) == (ErrorCode.OUT_OF_MEMORY, True)
