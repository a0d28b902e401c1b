"""Bands of rows: splits a picture's rows into bands and computes them in parallel threads.

NumPy, OpenCV and Pillow release the interpreter's lock while they compute. Small bands also keep their temporary arrays
in the processor's cache.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pipeline.core.processors import thread_count

BAND_PIXELS = 256_000  # pixels of a band: a float32 colour picture of them takes 3 MB
MIN_BAND_ROWS = 8


def split_into_bands(width: int, height: int, pixels: int = BAND_PIXELS) -> list[slice]:
    """Split the rows of a picture of this size into bands of about so many ``pixels``, from the top."""
    rows = max(pixels // width, MIN_BAND_ROWS)
    return [slice(start, min(start + rows, height)) for start in range(0, height, rows)]


def compute_in_bands(
    width: int,
    height: int,
    compute: Callable[[slice], None],
    report: Callable[[float], None] = lambda _: None,
    *,
    pixels: int = BAND_PIXELS,
) -> None:
    """Call ``compute`` with the rows of each band of a picture of this size, in parallel threads.

    ``pixels``: about how many a band has. More are better if bands overlap, as the overlap is computed twice.

    ``compute`` writes only those rows of its result. The calling thread alone calls ``report``, with the fraction done,
    0 to 1, after each band from the top. If either raises, no further band is started, and the exception is raised
    when the running bands have ended.
    """
    bands = split_into_bands(width, height, pixels)
    threads = min(thread_count(), len(bands))
    if threads == 1:
        for rows in bands:
            compute(rows)
            report(rows.stop / height)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="band")
    try:
        futures = [pool.submit(compute, rows) for rows in bands]
        for rows, future in zip(bands, futures, strict=True):
            future.result()
            report(rows.stop / height)
    finally:
        pool.shutdown(cancel_futures=True)
