"""A pipeline's tokenizers, read without its weights: how much of a prompt each can take."""

from collections.abc import Callable, Sequence
from typing import Any

from transformers import AutoTokenizer

from synthmix.errors import SettingError
from synthmix.generators.diffusers._pipeline import quiet
from synthmix.generators.diffusers._texts import NO_LIMIT, check_tokenizer
from synthmix.generators.diffusers.weights import Located
from synthmix.types import TextEncoder


def text_encoders(located: Located) -> list[TextEncoder]:
    """Return the limits of a pipeline's tokenizers by name, special tokens already taken off.

    Raises SettingError, naming the folder, where one of them cannot tell prompts apart.
    """
    return [
        TextEncoder(name, each.model_max_length - each.num_special_tokens_to_add(), _pieces(each))
        for name, each in _tokenizers(located).items()
        if each.model_max_length < NO_LIMIT
    ]


def _pieces(tokenizer: Any) -> Callable[[str], Sequence[str]]:
    def pieces(text: str) -> list[str]:
        # CLIP marks the end of a word; a readable rest needs the space back
        return [each.replace("</w>", " ") for each in tokenizer.tokenize(text)]

    return pieces


def _tokenizers(located: Located) -> dict[str, Any]:
    names = [name for name in located.components if name.startswith("tokenizer")]
    found = {}
    for name in names:
        try:
            with quiet():
                found[name] = AutoTokenizer.from_pretrained(
                    located.folder / name, local_files_only=True
                )
        except Exception as error:  # of Rust's parser some derive from Exception alone
            reason = " ".join(str(error).split())[:120]
            raise SettingError(
                f"{located.folder / name}, the tokenizer of the model, cannot be read: {reason}"
            ) from None
        check_tokenizer(found[name], located.folder / name)
    return found
