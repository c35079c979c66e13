"""Prompts of Gemma 3 270M: many at a time against one, same engine, same model, in turns.

Counted are prompts that are kept, after all checks and second attempts, by CPU second of this
process; loading is left out. The engines are llama.cpp on the packaged GGUF file, and transformers
in bfloat16 on the same weights, converted here (which needs the package `gguf`), or on the model
in `--data`.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from _record import ratio, record, spread
from _run import options

from synthmix.prompts.language_model import LanguageModel, _gguf

NAMES = ("elephant", "sofa", "bicycle", "lighthouse", "rabbit", "train", "owl", "kettle")
TOGETHER = {"llama.cpp": 8, "transformers": 16}
TARGETS = {"llama.cpp": 1.4, "transformers": 3.0}


def converted(folder: Path) -> Path:
    """Save the packaged weights in transformers' own layout, in bfloat16."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma3ForCausalLM

    source = _gguf.model_path(_gguf.PACKAGE)
    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    read = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16)
    # a model that came from a GGUF file refuses to be saved; a new one with its weights does not
    del read.config.quantization_config
    model = Gemma3ForCausalLM(read.config).to(torch.bfloat16)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def kept_per_second(model: str, parallel: int, per_class: int, seed: int) -> float:
    """Return the kept prompts of a CPU second; the model is loaded and warm before."""
    writer = LanguageModel(model=model, parallel=parallel, precision="bfloat16", attempts=100)
    list(writer.write(NAMES[:1], 1, seed=seed))
    started = time.process_time()
    kept = len(list(writer.write(NAMES, per_class, seed=seed)))
    return kept / (time.process_time() - started)


def main() -> None:
    """Write with each engine, batched and alone, in turns, and write `prompts.json`."""
    parser = options(__doc__, "", "a folder with a causal model for transformers")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each way")
    parser.add_argument("--per-class", type=int, default=4, help="prompts of each of 8 classes")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.per_class = 1, 1
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        other = asked.data or str(converted(Path(folder) / "model"))
        raw: dict[str, Any] = {}
        ratios: dict[str, Any] = {}
        for engine, model in {"llama.cpp": _gguf.PACKAGE, "transformers": other}.items():
            together = TOGETHER[engine]
            found: dict[int, list[float]] = {together: [], 1: []}
            for turn in range(asked.rounds):
                for parallel, rates in found.items():
                    rates.append(kept_per_second(model, parallel, asked.per_class, turn))
            for parallel, rates in found.items():
                raw[f"{engine}, {parallel} at a time, kept prompts a CPU second"] = spread(rates)
            ratios[f"{engine}, {together} at a time/1"] = ratio(
                found[together], found[1], at_least=TARGETS[engine]
            )
    record("prompts", asked, n=asked.rounds, raw=raw, ratios=ratios)


if __name__ == "__main__":
    main()
