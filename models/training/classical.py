# SPDX-License-Identifier: MIT
"""The frame between two frames by classical optical flow (OpenCV's DIS), which nets are measured against.

classical.py FIRST LAST OUT makes the middle one of two picture files.
"""
import sys
import cv2
import numpy as np


def rounded(x):
    return (np.clip(x, 0, 255) + 0.5).astype(np.uint8)


def splat(flow, weight, t):
    """Flow from frame 0 carried to time t: sums of weight and of weighted flow, each to the four pixels around its target."""
    height, width = weight.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + t * flow[..., 0], y + t * flow[..., 1]
    sums = np.zeros((3, height * width))
    for dy in (0, 1):
        for dx in (0, 1):
            column, row = np.floor(x).astype(int) + dx, np.floor(y).astype(int) + dy
            share = weight * (1 - np.abs(x - column)) * (1 - np.abs(y - row))
            inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
            place = (row * width + column)[inside]
            for k, value in enumerate((share, share * flow[..., 0], share * flow[..., 1])):
                sums[k] += np.bincount(place, value[inside], height * width)
    return sums.reshape(3, height, width)


def at(picture, flow, scale=1.0, kernel=cv2.INTER_LINEAR):
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return cv2.remap(picture, x + scale * flow[..., 0], y + scale * flow[..., 1], kernel, borderMode=cv2.BORDER_REPLICATE)


def classical(first, last, t, kernel=cv2.INTER_LINEAR):
    """DIS flow both ways, carried to time t (pixels that fit well weigh more), holes filled from around; where the two ways
    disagree about a point it is hidden in the other frame, and the frame that shows it counts."""
    grey = [cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (first, last)]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = dis.calc(grey[0], grey[1], None), dis.calc(grey[1], grey[0], None)
    frames, sums = (first.astype(np.float32), last.astype(np.float32)), 0
    for near, far, flow, moment, sign in ((*frames, there, t, 1), (*frames[::-1], back, 1 - t, -1)):
        misfit = np.abs(near - at(far, flow)).mean(2)
        sums = sums + splat(flow, np.exp(-misfit / 10) + 1e-3, moment) * np.array([1, sign, sign])[:, None, None]
    filled = sums.astype(np.float32)
    for size in (5, 17, 65):                   # holes
        wide = np.stack([cv2.GaussianBlur(x, (0, 0), size / 3) for x in sums.astype(np.float32)])
        filled = np.where(filled[0] > 1e-3, filled, wide)
    flow = np.ascontiguousarray((filled[1:] / (filled[0] + 1e-12)).transpose(1, 2, 0))
    a, b = at(frames[0], flow, -t, kernel), at(frames[1], flow, 1 - t, kernel)
    hidden = [np.linalg.norm(x + at(y, x), axis=2) for x, y in ((there, back), (back, there))]
    a_counts = (1 - t) * (0.5 + at(hidden[0], flow, -t))[..., None]
    b_counts = t * (0.5 + at(hidden[1], flow, 1 - t))[..., None]
    return rounded((a * a_counts + b * b_counts) / (a_counts + b_counts))


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    cv2.imwrite(sys.argv[3], classical(*(cv2.imread(path) for path in sys.argv[1:3]), 0.5))
