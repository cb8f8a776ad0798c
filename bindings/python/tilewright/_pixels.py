# SPDX-License-Identifier: MIT
"""Arrays as the library sees them: rows of interleaved samples."""
import mmap

import numpy

from . import _errors, _library

DTYPES = (numpy.dtype(numpy.uint8), numpy.dtype(numpy.uint16), numpy.dtype(numpy.float32))  # by tw_sample
MOST_BANDS = 64  # the library says which operators take more than 4


def as_input(value, label):
    """(array, tw_pixels): the array itself where its rows are dense, else a copy. float64 and the like are refused: how they
    are to be scaled, nobody knows."""
    array = numpy.asarray(value)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= MOST_BANDS):
        raise _errors.UsageError(f"{label}: shape {array.shape}; (height, width) and (height, width, bands) are taken, "
                                 f"1 to 4 bands, 1 to {MOST_BANDS} by warp")
    native = array.dtype.newbyteorder("=")
    if native not in DTYPES:
        raise _errors.UsageError(f"{label}: samples of type {array.dtype}; uint8, uint16 and float32 are taken")
    if array.dtype != native or not dense_rows(array):
        array = numpy.ascontiguousarray(array, native)
    height, width = array.shape[:2]
    row_bytes = array.strides[0] if height > 1 else 0
    return array, _library.Pixels(width, height, row_bytes, 1 if array.ndim == 2 else array.shape[2], DTYPES.index(native))


def dense_rows(array):
    """The samples of each row lie side by side, and rows follow each other without overlap."""
    row = array.itemsize
    for axis in range(array.ndim - 1, 0, -1):
        if array.shape[axis] > 1 and array.strides[axis] != row:
            return False
        row *= array.shape[axis]
    return array.shape[0] <= 1 or array.strides[0] >= row


def shape_of(result, flat):
    """Of an array that holds the result; `flat`: grey ones have two axes."""
    if result.bands == 1 and flat:
        return (result.height, result.width)
    return (result.height, result.width, result.bands)


def check_output(array, result):
    """The array that the caller gave, with three axes."""
    fits = [shape_of(result, False)] + [shape_of(result, True)] * (result.bands == 1)
    if array.shape not in fits or array.dtype != DTYPES[result.sample]:
        raise _errors.UsageError(f"out: shape {array.shape} of {array.dtype}; the result is {fits[-1]} of {DTYPES[result.sample]}")
    if not array.flags.writeable:
        raise _errors.UsageError("out: the array is read-only")
    return array.reshape(array.shape + (1,)) if array.ndim == 2 else array


def shared_map(array):
    """The file mapping behind an array, when its pages may be dropped from memory without losing what was written."""
    mode = None
    while isinstance(array, numpy.ndarray):
        if isinstance(array, numpy.memmap):
            mode = array.mode
        array = array.base
    return array if isinstance(array, mmap.mmap) and mode in ("r", "r+", "w+") else None
