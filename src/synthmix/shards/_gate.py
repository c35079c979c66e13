"""The gate every generated image passes: a fault is drawn again with the next sub-seed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from synthmix.checks import fault
from synthmix.errors import DataError
from synthmix.seeding import derive
from synthmix.types import Pixels, Request

Draw = Callable[[Sequence[Request]], Iterator[Pixels]]
"""Yields one image per request, in order."""


@dataclass(frozen=True)
class Gate:
    """Draws images and looks at each by itself, so that neighbours decide nothing."""

    draw: Draw
    attempts: int
    """How often an image is drawn again before its set is given up."""

    def __call__(self, requests: Sequence[Request]) -> Iterator[tuple[Pixels, list[str]]]:
        """Yield each image with the faults of those that were drawn before it and refused.

        Raises DataError where the last attempt is refused too.
        """
        for request, image in zip(requests, self.draw(requests), strict=True):
            faults: list[str] = []
            while (reason := fault(image)) is not None:
                if len(faults) == self.attempts:
                    raise _refused(request, [*faults, reason])
                # it follows from the image's own seed and the attempt's number
                seed = derive(request.seed, "attempt", len(faults) + 1)
                faults.append(f"{reason}, then with seed {seed}")
                (image,) = self.draw([replace(request, seed=seed)])
            yield image, faults


def _refused(request: Request, faults: list[str]) -> DataError:
    return DataError(
        f"Class '{request.class_name}', image {request.index} (seed {request.seed}) cannot be "
        f"used after {len(faults)} attempts: {', '.join(faults)}."
    )
