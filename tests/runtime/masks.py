"""Adversarial masks, and labellings to compare with."""

from __future__ import annotations

import numpy as np


def spiral(size: int) -> np.ndarray:
    """One path, one pixel wide with gaps of one, from the corner to the centre."""
    mask = np.zeros((size, size), np.uint8)
    y = x = 0
    step, turn = (0, 1), 0
    mask[0, 0] = 1

    def free(y: int, x: int) -> bool:
        return 0 <= y < size and 0 <= x < size and not mask[y, x]

    while turn < 2:
        ahead, beyond = (y + step[0], x + step[1]), (y + 2 * step[0], x + 2 * step[1])
        border = not (0 <= beyond[0] < size and 0 <= beyond[1] < size)
        if free(*ahead) and (border or free(*beyond)):
            y, x = ahead
            mask[y, x] = 1
            turn = 0
        else:
            step = (step[1], -step[0])
            turn += 1
    return mask


def comb(size: int, *, spine: int) -> np.ndarray:
    """Teeth in every second column, joined in one row."""
    mask = np.zeros((size, size), np.uint8)
    mask[:, ::2] = 1
    mask[spine] = 1
    return mask


def merging_teeth(size: int) -> np.ndarray:
    """Teeth that join in pairs, the pairs in pairs, and so on: equivalences as deep as the size allows."""
    mask = np.zeros((size, size), np.uint8)
    columns = list(range(0, size, 2))
    y = 0
    while len(columns) > 1 and y + 1 < size:
        mask[y : y + 2, columns] = 1
        for left, right in zip(columns[::2], columns[1::2], strict=False):
            mask[y + 1, left : right + 1] = 1
        columns = columns[::2]
        y += 2
    return mask


def adversarial_masks(size: int) -> dict[str, np.ndarray]:
    y, x = np.mgrid[:size, :size]
    rng = np.random.default_rng(11)
    masks = {
        "spiral": spiral(size),
        "checkerboard": (y + x) % 2,
        "comb down": comb(size, spine=size - 1),
        "comb up": comb(size, spine=0),
        "comb middle": comb(size, spine=size // 2),
        "merging teeth": merging_teeth(size),
        "noise 50": rng.random((size, size)) < 0.5,
        "noise 41": rng.random((size, size)) < 0.41,
        "noise 60": rng.random((size, size)) < 0.6,
        "ones": np.ones((size, size)),
        "empty": np.zeros((size, size)),
        "frame": (y % (size - 1) == 0) | (x % (size - 1) == 0),
        "diagonals": (y - x) % 4 == 0,
        "row": np.arange(size)[np.newaxis] % 3 > 0,
        "column": np.arange(size)[:, np.newaxis] % 3 > 0,
        "pixel": np.ones((1, 1)),
    }
    masks = {name: mask.astype(np.uint8) for name, mask in masks.items()}
    for name in ("spiral", "comb down", "merging teeth"):
        masks[f"{name}, turned"] = masks[name].T.copy()
        masks[f"{name}, mirrored"] = masks[name][::-1, ::-1].copy()
        masks[f"{name}, inverted"] = 1 - masks[name]
    return masks


def flood_fill_regions(mask: np.ndarray, connectivity: int) -> list[list[int]]:
    """The definition itself, pixel by pixel: same class and a path of neighbours."""
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    if connectivity == 8:
        steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    height, width = mask.shape
    seen = np.zeros(mask.shape, bool)
    rows = []
    for start in zip(*np.nonzero(mask), strict=True):
        if seen[start]:
            continue
        seen[start] = True
        pending, pixels = [start], []
        while pending:
            y, x = pending.pop()
            pixels.append((y, x))
            for dy, dx in steps:
                near = (y + dy, x + dx)
                inside = 0 <= near[0] < height and 0 <= near[1] < width
                if inside and not seen[near] and mask[near] == mask[start]:
                    seen[near] = True
                    pending.append(near)
        ys, xs = zip(*pixels, strict=True)
        box = [min(xs), min(ys), max(xs) + 1, max(ys) + 1]
        rows.append([int(value) for value in (*box, len(pixels), mask[start])])
    return sorted(rows, key=lambda row: (row[1], row[0], row[3], row[2], row[4], row[5]))
