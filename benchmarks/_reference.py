"""The network by which processors are compared: three stages of 64, 256 and 256 channels.

Its shape is that of airbench94 (Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024);
nothing of its initialisation or training is used, only the time of its arithmetic.
"""

from torch import nn

STEM = 24
WIDTHS = (64, 256, 256)


def reference_network(num_classes: int) -> nn.Module:
    """Return the untrained network for images of 32x32 pixels."""
    layers: list[nn.Module] = [nn.Conv2d(3, STEM, 2), nn.GELU()]
    inputs = STEM
    for width in WIDTHS:
        layers += [
            nn.Conv2d(inputs, width, 3, padding=1, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(width),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.GELU(),
        ]
        inputs = width
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(inputs, num_classes))
