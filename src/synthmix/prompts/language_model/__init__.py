"""Texts that a language model writes, each checked; Gemma, any causal model, or a GGUF file."""

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt

from synthmix import hub
from synthmix.errors import DataError, MissingPackage, SettingError
from synthmix.extras import install_extra
from synthmix.ledger import Ledger
from synthmix.model_files import check_single
from synthmix.prompts import PromptStrategy
from synthmix.prompts._template import article, placeholders
from synthmix.prompts.language_model import _gguf
from synthmix.prompts.language_model._questions import Asking, Engine, Question, plain_subject
from synthmix.prompts.language_model._writing import Desk, Judging, acceptance, counter
from synthmix.prompts.spoken_names import check_spoken, names_class, spoken
from synthmix.types import Device, Json, Progress, Prompt, no_progress

_KIND = hub.Kind("config.json", "transformers", "llm", "google/gemma-2b-it")


@dataclass(frozen=True, kw_only=True)
class LanguageModel(PromptStrategy):
    """Has a language model describe each class, and keeps what passes the checks.

    A text that echoes the instruction, is a list, repeats itself, loses its class, names another
    one, is cut at the token limit or is there already is written anew with the next sub-seed. A
    text is stored with its engine, model and seed, and replayed; equal texts are promised for
    `parallel: 1` alone, on the same machine with the same versions.
    """

    is_costly: ClassVar[bool] = True

    model: str = _gguf.PACKAGE
    """A hub id or folder of a causal model, a .gguf file, or the package with Gemma 3 270M."""

    revision: str | None = None
    """Branch, tag or commit of a hub id; the commit that was found is recorded."""

    from_: str | None = None
    """Set of the study whose prompts are the subjects; the classes' names where not given."""

    opening: str = "A photo of {subject},"
    """How a text begins that goes on from examples; models with a chat template do not read it."""

    instruction: str = (
        "Describe a photo of {subject} in one sentence of 15 to 40 words: how it looks, what it "
        'does, where it is, and the light. Begin with "A photo of". Show nothing else that '
        "matters, and answer with the sentence alone."
    )
    """What a model with a chat template is told."""

    temperature: Annotated[float, Gt(0), Le(2)] = 0.9
    """Flatness of the distribution that tokens are drawn from."""

    min_p: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Least probability of a token, as a share of the most probable one's."""

    repeat_penalty: Annotated[float, Ge(1), Le(2)] = 1.1
    """Divisor of the scores of tokens that were just used; 1 for none."""

    max_new_tokens: Annotated[int, Ge(16), Le(400)] = 60
    """Tokens that a model may add; a text that is not at its end by then is rejected."""

    attempts: Annotated[int, Ge(1), Le(1000)] = 10
    """How often a text is tried; where the last fails too, writing ends with an error."""

    parallel: Annotated[int, Ge(1), Le(256)] = 8
    """Texts written at the same time, faster together; with 1, they can be written again alike."""

    threads: Annotated[int, Ge(1), Le(1024)] = 1
    """CPU threads of llama.cpp; transformers takes those of the study."""

    quantize: Literal["4bit", "8bit"] | None = None
    """Weights in 4 or 8 bits by bitsandbytes, for less memory; not for GGUF files."""

    precision: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Of models that transformers loads; `auto` is bfloat16, float32 on GPUs without."""

    device: Device = "auto"
    """Of models that transformers loads; `auto` is CUDA, then MPS, then CPU."""

    def __post_init__(self) -> None:
        for setting in ("opening", "instruction"):
            template = getattr(self, setting)
            if "subject" not in placeholders(template, ("subject",), setting):
                raise SettingError(
                    f"{setting} must contain {{subject}}, else it leaves out the class, "
                    f"got {template!r}."
                )
        if self.quantize is not None and self._is_gguf:
            raise SettingError(
                f"quantize is '{self.quantize}', but model '{self.model}' is a GGUF file, which "
                "holds its weights in few bits already: leave it out."
            )
        if self.revision is not None and self._is_gguf:
            raise SettingError(
                f"revision is '{self.revision}', but model '{self.model}' is a file, which has "
                "no revisions: leave it out."
            )

    @property
    def subjects_from(self) -> str | None:
        """Name of the set whose prompts are the subjects."""
        return self.from_

    def settings(self) -> dict[str, Any]:
        """Return every setting but `attempts`, which changes no text that is there."""
        found = super().settings()
        found.pop("attempts")
        return found

    def content(self) -> Json:
        if self._is_gguf:
            return _gguf.content(self.model)
        return self._located().revision

    def check(self, class_names: tuple[str, ...]) -> None:
        check_spoken(class_names)
        if self._is_gguf:
            _gguf.check(self.model)
        else:
            self._located()
        self._check_packages()

    def notes(self, class_names: tuple[str, ...]) -> list[str]:
        if self.model == _gguf.PACKAGE:
            return [
                "Prompts: written by Gemma 3 270M (base model, Q4_K_M); Gemma is provided under "
                "and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms."
            ]
        name = Path(self.model).name if self._is_gguf else self.model
        return [f"Prompts: written by the language model `{name}`, under its own terms."]

    def told(self, prompts: Sequence[Prompt]) -> list[str]:
        found = acceptance(prompts)
        if not found["texts"]:
            return []
        share = found["accepted_at_first"] / found["texts"]
        reasons = ", ".join(f"{count} {reason}" for reason, count in found["rejected"].items())
        return [
            f"Of {found['texts']} prompts, {found['accepted_at_first']} ({100 * share:.1f} %) were "
            f"accepted at the first attempt; rejected and written anew: {reasons or 'none'}. "
            f"{found['distinct']} are distinct within their class."
        ]

    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        return self.resume(class_names, per_class, seed=seed, ledger=Ledger())

    def resume(
        self,
        class_names: tuple[str, ...],
        per_class: int,
        *,
        seed: int,
        ledger: Ledger,
        subjects: Sequence[Prompt] = (),
        progress: Progress = no_progress,
    ) -> Iterator[Prompt]:
        """Write what the ledger lacks, then yield all; see the contract."""
        places = [(label, index) for index in range(per_class) for label in range(len(class_names))]
        missing = [each for each in places if ledger.get(*each) is None]
        progress(len(places) - len(missing), len(places))
        if missing:
            shown = self._subjects(class_names, subjects)
            questions = [
                Question(label, index, class_names[label], some[index % len(some)], seed)
                for label, index in missing
                for some in [shown[label]]
            ]
            engine = self._engine()
            count = counter(len(places) - len(missing), len(places), progress)
            _work(engine, Desk(questions, self._judging(class_names, engine), ledger, count))
        for place in places:
            found = ledger.get(*place)
            assert found is not None
            yield found

    @property
    def _is_gguf(self) -> bool:
        return _gguf.is_gguf(self.model)

    def _check_packages(self) -> None:
        _check_installed(*(("xllamacpp", "gemma") if self._is_gguf else ("transformers", "llm")))
        if self.quantize is not None:
            _check_installed("bitsandbytes", "quantize")

    def _located(self) -> hub.Found:
        found = hub.find(self.model, self.revision, _KIND)
        check_single(found.folder, self.model)
        return found

    def _subjects(
        self, class_names: tuple[str, ...], subjects: Sequence[Prompt]
    ) -> list[Sequence[str]]:
        """Return what the texts of each class show, by label."""
        if self.from_ is None:
            return [[f"{article(name)} {name}"] for name in map(spoken, class_names)]
        if not subjects:
            raise SettingError(
                f"from is '{self.from_}', a set of a study; `synthmix prompts write` takes a file "
                "of prompts in its place."
            )
        found: list[list[str]] = [[] for _ in class_names]
        for each in sorted(subjects, key=lambda prompt: prompt.index):
            if not names_class(each.text, class_names[each.label], class_names):
                raise DataError(
                    f"from is '{self.from_}': its prompt {each.index} of class "
                    f"'{class_names[each.label]}' does not name the class: {each.text!r}."
                )
            found[each.label].append(plain_subject(each.text, self.opening))
        for name, some in zip(class_names, found, strict=True):
            if not some:
                raise DataError(f"from is '{self.from_}', which has no prompt of class '{name}'.")
        return list(found)

    def _judging(self, class_names: tuple[str, ...], engine: Engine) -> Judging:
        is_local = self._is_gguf or Path(self.model).expanduser().exists()
        facts = {
            "engine": engine.name,
            "engine_version": engine.version,
            "model": Path(self.model).name if is_local else self.model,
            "revision": self.content(),
            "parallel": self.parallel,
        }
        told = self.instruction.replace("{subject}", "")
        return Judging(class_names, told, self.attempts, self.name, facts)

    def _engine(self) -> Engine:
        asking = Asking(
            self.opening,
            self.instruction,
            self.temperature,
            self.min_p,
            self.repeat_penalty,
            self.max_new_tokens,
        )
        self._check_packages()
        # imported here: each engine's library is an extra of its own, and takes seconds to import
        if self._is_gguf:
            path = _gguf.model_path(self.model)
            from synthmix.prompts.language_model._llama_cpp import LlamaCpp

            return LlamaCpp(path, asking, self.parallel, self.threads)
        from synthmix.prompts.language_model import _transformers

        folder = self._located().folder
        how = _transformers.Loading(folder, self.quantize, self.precision, self.device)
        return _transformers.Transformers(how, asking, self.parallel)


def _work(engine: Engine, desk: Desk) -> None:
    try:
        engine.run(desk)
    finally:
        # threads of a pool end only when there is nothing left to do
        desk.stop()
    desk.check_complete()


def _check_installed(package: str, extra: str) -> None:
    """Raise MissingPackage with the extra that brings a package, without importing it."""
    try:
        is_there = importlib.util.find_spec(package) is not None
    except ValueError:  # it was imported in an unusual way
        is_there = sys.modules.get(package) is not None
    if not is_there:
        raise MissingPackage(
            f"This language model needs the package '{package}': {install_extra(extra)}"
        )
