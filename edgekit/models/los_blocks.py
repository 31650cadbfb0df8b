"""The blocks that LOS-UNet's search chooses from; block D is the one of its baseline, the plain U-Net.

Chen, Niu, Lin, Zhang, Liu, Wang: "Lightweight convolutional neural networks for surface defect segmentation by neural
architecture search". Every convolution has a bias, and no block ends in an activation: the paper's counts say so.
"""

from __future__ import annotations

from torch import nn


def make_block_d(inputs: int, outputs: int) -> nn.Sequential:
    """Return block D, "double convolution": 3×3 → BatchNorm → ReLU → 3×3 → BatchNorm.

    Args:
        inputs: Channels in.
        outputs: Channels out; height and width stay.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
    )
