# SPDX-License-Identifier: MIT
"""What both trainings do with crops: choosing places, tensors, luma, decibels, the loss."""
import math
import numpy as np
import torch
import torch.nn.functional as F

LUMA = torch.tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1) / 255  # BT.601


def pick(rng, shares):
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def tensor(pictures8):
    """RGB8 pictures as planes of 0 to 1."""
    return torch.from_numpy(np.array(pictures8)).permute(0, 3, 1, 2).float() / 255


def luma(x):
    return (x * LUMA).sum(1, keepdim=True)


def psnr(a, b, cut):
    """Of luma, in dB; a border of `cut` pixels is left out."""
    error = (luma(a.clamp(0, 1)) - luma(b))[..., cut:-cut, cut:-cut]
    return -10 * math.log10(max(float((error ** 2).mean()), 1e-7))


def place(rng, picture, side, tries):
    """A corner for a crop, never in the right eighth, which only chooses the checkpoint. Skies are most of many photographs:
    of a few places the busiest is taken more often than not."""
    height, width, best, at = picture.shape[0], picture.shape[1] * 7 // 8, -1.0, None
    for _ in range(tries if rng.random() < 0.6 else 1):
        y, x = rng.randrange(height - side), rng.randrange(width - side)
        green = picture[y:y + side, x:x + side, 1].astype(np.int16)
        busy = np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean()
        if busy > best:
            best, at = busy, (y, x)
    return at


def kept_place(rng, picture, side):
    """A corner for a validation crop, in the right eighth where that is wide enough."""
    left = min(picture.shape[1] * 7 // 8, picture.shape[1] - side)
    return rng.randrange(picture.shape[0] - side + 1), rng.randrange(left, picture.shape[1] - side + 1)


def inside(side, edge):
    """Weights of a crop's pixels: those whose answer depends on the crop's padding count a tenth."""
    weight = torch.full((1, 1, side, side), 0.1)
    weight[..., edge:-edge, edge:-edge] = 1.0
    return weight / weight.mean()


def charbonnier(error, eps2):
    return (error ** 2 + eps2).sqrt()


def loss_of(answer, missing, weight, eps2=1e-6, block=0):
    """Charbonnier's distance, on RGB and on luma, of the answer to what the base lacks. A picture's decibels count the same
    however small its error: crops whose base is nearly right weigh more than their error alone would. With `block` the means of
    blocks of so many pixels count too, nearly as squares, so that the most likely answer does not shift a picture's colours."""
    error = answer - missing
    crop = 1 / (missing.abs().mean((1, 2, 3), keepdim=True) + 0.003).sqrt() / 8
    loss = ((charbonnier(error, eps2) + charbonnier(luma(error), eps2)) * weight * crop).mean()
    if block:
        loss = loss + 4 * (charbonnier(F.avg_pool2d(error, block), 1e-4) * crop).mean()
    return loss
