"""Causal models through transformers: a chat for those that were tuned for it, else examples."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
)

from synthmix.errors import SettingError
from synthmix.hardware import has_native_bfloat16, is_out_of_memory, resolve_device
from synthmix.prompts.language_model._questions import Answer, Asking, Question, Work, examples
from synthmix.resident import resident

_ENDS = ("<end_of_turn>", "<|im_end|>", "<|eot_id|>", "<|end|>")
"""Tokens that end a turn of a chat, which a model's own settings may leave out."""

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Loading:
    """What decides how a model is loaded."""

    folder: Path
    quantize: str | None
    precision: str
    device: str


class Transformers:
    """Writes `batch` texts at a time; each row draws from its own question's seed."""

    name = "transformers"
    version = f"transformers {transformers.__version__}, torch {torch.__version__}"

    def __init__(self, how: Loading, asking: Asking, batch: int) -> None:
        self.asking = asking
        self.batch = batch
        self._folder = how.folder
        self._tokenizer, self._model = _loaded(how)
        self._is_chat = self._tokenizer.chat_template is not None
        self._turns = self._fitting_turns() if self._is_chat else _user
        self._ends = _end_ids(self._tokenizer, self._model)
        if not self._is_chat:  # an example ends with its line
            self._ends |= _line_ids(self._tokenizer)

    def run(self, work: Work) -> None:
        """Answer until there is no question left."""
        while questions := list(islice(iter(work.next, None), self.batch)):
            for question, answer in zip(questions, self._answers(questions), strict=True):
                work.take(question, answer)

    def _answers(self, questions: Sequence[Question]) -> list[Answer]:
        asked = self._asked([each.subject for each in questions])
        length = asked["input_ids"].shape[1]
        how = self.asking
        drawing = LogitsProcessorList(
            [
                RepetitionPenaltyLogitsProcessor(how.repeat_penalty, prompt_ignore_length=length),
                TemperatureLogitsWarper(how.temperature),
                MinPLogitsWarper(how.min_p),
                _OwnDraw([each.attempt_seed for each in questions]),
            ]
        )
        try:
            with torch.inference_mode(), quiet():
                found = self._model.generate(
                    **asked,
                    max_new_tokens=how.max_new_tokens,
                    do_sample=False,  # the draw is the last of `drawing`
                    logits_processor=drawing,
                    eos_token_id=sorted(self._ends) or None,
                    pad_token_id=self._tokenizer.pad_token_id,
                )
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            if is_out_of_memory(error):
                raise
            # a tokenizer with more tokens than the model, a model with too few places
            raise SettingError(
                f"model '{self._folder}' cannot go on from {length} tokens: {_short(error)}"
            ) from None
        pairs = zip(questions, found[:, length:].tolist(), strict=True)
        return [self._answer(question, new) for question, new in pairs]

    def _asked(self, subjects: Sequence[str]) -> Any:
        if not self._is_chat:
            texts = [examples(each, self.asking.opening) for each in subjects]
            found = self._tokenizer(texts, return_tensors="pt", padding=True)
        else:
            told = [self.asking.instruction.format(subject=each) for each in subjects]
            # the template begins with the token that begins a text: it must not be added again
            found = self._tokenizer.apply_chat_template(
                [self._turns(each) for each in told],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                padding=True,
            )
        return {
            name: found[name].to(self._model.device) for name in ("input_ids", "attention_mask")
        }

    def _fitting_turns(self) -> "Turns":
        """Return the turns that the chat template shows; raises SettingError where it shows none.

        Most take a user's text; some want parts, as of pictures, and some a system message.
        """
        told, reasons = self.asking.instruction.format(subject="a cat"), []
        for turns in (_user, _user_in_parts, _after_system, _after_system_in_parts):
            try:
                shown = self._tokenizer.apply_chat_template(
                    turns(told), add_generation_prompt=True, tokenize=False
                )
            except Exception as error:  # templates run in a sandbox, and raise anything
                reasons.append(_short(error))
            else:
                if told.strip() in shown:
                    return turns
                reasons.append("it leaves out what is asked")
        raise SettingError(
            f"model '{self._folder}': its chat template cannot be used: {reasons[0]}. Mend it, or "
            "take it out of the folder: the model then goes on from examples."
        )

    def _answer(self, question: Question, new: list[int]) -> Answer:
        # the last token is decoded too: one of "." and a line's end belongs to the text by half
        end = next((at for at, token in enumerate(new, start=1) if token in self._ends), None)
        text = self._tokenizer.decode(new[:end], skip_special_tokens=True)
        if self._is_chat:
            return Answer(text, end is None)
        opening = self.asking.opening.format(subject=question.subject)
        return Answer(opening + text.partition("\n")[0], end is None)


class _OwnDraw(LogitsProcessor):  # type: ignore[misc]
    """Draws each row's token with a generator of its own, so that neighbours share none."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._random = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        places = torch.stack([torch.rand(1, generator=each) for each in self._random])
        # on the processor: a GPU adds a running sum up in any order
        reached = scores.float().softmax(-1).cpu().cumsum(-1)
        # of the row's own sum: rounding may leave that a little off 1
        chosen = torch.searchsorted(reached, places * reached[:, -1:], right=True)
        chosen = chosen.clamp(max=scores.shape[1] - 1).to(scores.device)
        return torch.full_like(scores, float("-inf")).scatter(1, chosen, 0.0)


Turns = Callable[[str], list[dict[str, Any]]]
"""What is told, as the turns of a chat."""


def _user(told: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": told}]


def _after_system(told: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": "You describe photos."}, *_user(told)]


def _user_in_parts(told: str) -> list[dict[str, Any]]:
    return [_in_parts(each) for each in _user(told)]


def _after_system_in_parts(told: str) -> list[dict[str, Any]]:
    return [_in_parts(each) for each in _after_system(told)]


def _in_parts(turn: dict[str, Any]) -> dict[str, Any]:
    return {**turn, "content": [{"type": "text", "text": turn["content"]}]}


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:200].rstrip(".")


@resident
def _loaded(how: Loading) -> tuple[Any, Any]:
    """Return tokenizer and model, ready on its device; raises SettingError in one line."""
    device = resolve_device(how.device)
    options: dict[str, Any] = {"dtype": _dtype(how.precision, device)}
    if how.quantize is not None:
        options |= {"quantization_config": _quantization(how.quantize, _dtype("auto", device))}
        options |= {"device_map": device}
    safely = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                how.folder, padding_side="left", **safely
            )
            model, told = transformers.AutoModelForCausalLM.from_pretrained(
                how.folder, use_safetensors=True, output_loading_info=True, **safely, **options
            )
    except Exception as error:  # of the tokenizers' own some derive from Exception alone
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise SettingError(f"model '{how.folder}' cannot be loaded: {reason}") from None
    if told["missing_keys"]:  # transformers draws them at random, anew in every process
        missing = sorted(told["missing_keys"])
        raise SettingError(
            f"model '{how.folder}' lacks {len(missing)} of its weights, such as {missing[0]}: copy "
            "or fetch it again."
        )
    if tokenizer.pad_token is None:  # any will do: what is padded is masked
        known = (tokenizer.eos_token, tokenizer.unk_token, tokenizer.bos_token)
        any_token = tokenizer.convert_ids_to_tokens(0)
        tokenizer.pad_token = next((each for each in known if each is not None), any_token)
    return tokenizer, (model if how.quantize else model.to(device)).eval()


def _dtype(precision: str, device: str) -> torch.dtype:
    if precision == "auto":
        # half the memory wherever the model is read; the texts are sampled anyway
        is_slow = device != "cpu" and not has_native_bfloat16(device)
        return torch.float32 if is_slow else torch.bfloat16
    return _DTYPES[precision]


def _quantization(quantize: str, dtype: torch.dtype) -> Any:
    if quantize == "8bit":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _end_ids(tokenizer: Any, model: Any) -> set[int]:
    own = model.generation_config.eos_token_id
    found = {*(own if isinstance(own, list) else [own]), tokenizer.eos_token_id}
    known = tokenizer.get_vocab()
    found |= {known[each] for each in _ENDS if each in known}
    return {each for each in found if each is not None}


def _line_ids(tokenizer: Any) -> set[int]:
    """Return the tokens with a line's end in them, as each kind of tokenizer spells it."""
    spelt = ("\n", "\u010a", "<0x0A>")
    return {
        token for text, token in tokenizer.get_vocab().items() if any(end in text for end in spelt)
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Silence progress bars and what the library says of settings that are meant."""
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    yield
