"""The images a set consists of, in the order in which every set is written."""

from collections import defaultdict
from collections.abc import Sequence

from synthmix.errors import DataError
from synthmix.seeding import derive
from synthmix.types import Prompt, Request


def requests(
    class_names: tuple[str, ...],
    per_class: int,
    seed: int,
    prompts: Sequence[Prompt] | None = None,
) -> list[Request]:
    """Return `per_class` requests of each class, index-major, each with a seed of its own.

    An image takes its class's prompt of the same index; where there are fewer prompts than images
    they are cycled. Raises DataError where a class has no prompt or an index is left out.
    """
    texts = None if prompts is None else _texts(class_names, prompts)
    return [
        Request(
            label=label,
            class_name=name,
            index=index,
            seed=derive(seed, "image", name, index),
            prompt=texts[label][index % len(texts[label])] if texts else None,
        )
        for index in range(per_class)
        for label, name in enumerate(class_names)
    ]


def _texts(class_names: tuple[str, ...], prompts: Sequence[Prompt]) -> list[list[str]]:
    by_class: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for prompt in prompts:
        by_class[prompt.label][prompt.index] = prompt.text
    for label, name in enumerate(class_names):
        if set(by_class[label]) != set(range(max(1, len(by_class[label])))):
            raise DataError(
                f"The prompts of class '{name}' must have the indices 0, 1, 2, ... "
                f"without a gap, got {sorted(by_class[label])[:5] or 'none'}."
            )
    return [
        [text for _, text in sorted(by_class[label].items())] for label in range(len(class_names))
    ]
