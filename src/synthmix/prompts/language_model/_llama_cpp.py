"""GGUF models through llama.cpp: examples are completed, several texts at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import xllamacpp

from synthmix.errors import SettingError
from synthmix.prompts.language_model._questions import Answer, Asking, Question, Work, examples
from synthmix.resident import resident

_CONTEXT = 768
"""Tokens of one text with the examples before it."""

_KEPT_IN_MIND = 48
"""Tokens back to which a repetition is penalised."""

_GRAMMAR = 'root ::= [a-zA-Z ,\'-]{30,220} "."'
"""One sentence of letters: no list, no markup, no second sentence."""


class LlamaCpp:
    """Completes few-shot examples with a GGUF model, `batch` texts in one loaded model."""

    name = "llama.cpp"
    version = f"xllamacpp {xllamacpp.__version__}"

    def __init__(self, path: Path, asking: Asking, batch: int, threads: int) -> None:
        self.asking = asking
        self.batch = batch
        self._server = _server(path, batch, threads)

    def run(self, work: Work) -> None:
        """Answer until there is no question left; as many threads as texts at the same time."""
        if self.batch == 1:
            self._work_off(work)
            return
        with ThreadPoolExecutor(self.batch) as pool:
            for ended in [pool.submit(self._work_off, work) for _ in range(self.batch)]:
                ended.result()

    def _work_off(self, work: Work) -> None:
        while (question := work.next()) is not None:
            work.take(question, self._answer(question))

    def _answer(self, question: Question) -> Answer:
        how = self.asking
        opening = how.opening.format(subject=question.subject)
        asked = {
            "prompt": examples(question.subject, how.opening),
            "max_tokens": how.max_new_tokens,
            "seed": question.attempt_seed,
            "temperature": how.temperature,
            "min_p": how.min_p,
            "top_k": 0,
            "top_p": 1.0,
            "repeat_penalty": how.repeat_penalty,
            "repeat_last_n": _KEPT_IN_MIND,
            "stop": ["\n"],
            "grammar": _GRAMMAR,
            # what another text left in the memory may move the last bits of this one
            "cache_prompt": self.batch > 1,
        }
        found: Any = self._server.handle_completions(asked)
        if "choices" not in found:
            raise SettingError(f"The model cannot go on from {opening!r}: {_short(found)}.")
        choice = found["choices"][0]
        return Answer(opening + choice["text"], choice["finish_reason"] == "length")


def _short(found: Any) -> str:
    return " ".join(str(found).split())[:160]


@resident
def _server(path: Path, batch: int, threads: int) -> Any:
    """Return a loaded model with a memory for each of `batch` texts; the last one is kept."""
    how = xllamacpp.CommonParams()
    how.model.path = str(path)
    how.n_parallel = batch
    how.n_ctx = _CONTEXT * batch
    # the whole context is kept for every layer, else the examples are read anew for every text
    how.swa_full = True
    how.verbosity = 0
    # the model's own is never read, and one that cannot be would stop it
    how.chat_template = "chatml"
    how.cpuparams.n_threads = threads
    how.cpuparams_batch.n_threads = threads
    try:
        return xllamacpp.Server(how)
    except (RuntimeError, ValueError) as error:
        reason = _short(error)
        raise SettingError(f"model '{path}' cannot be loaded by llama.cpp: {reason}.") from None
