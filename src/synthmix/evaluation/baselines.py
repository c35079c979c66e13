"""Accuracies that a sound recipe reaches on images of known content.

A gain over a classifier that is far below them may be a gain over a poor recipe. Content is known
by the fingerprint of the decoded test set, never by its name: the same name stands for copies that
differ by points.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """What is known of a test set: the accuracy, as a share of 1, that real images alone reach."""

    what: str
    accuracy: float
    source: str


KNOWN = {
    "13d54992b4a796da": Known(
        "CIFAR-10, stored as JPEG of quality 75",
        0.89,
        "89.8 % in one run of the airbench94 recipe on this copy; 94.0 % on the lossless one",
    ),
}
"""By the fingerprint of the test set."""


def required(fingerprint: str) -> float | None:
    """Return the least accuracy of real images alone, None for content that is not known."""
    known = KNOWN.get(fingerprint)
    return None if known is None else known.accuracy
