"""A tiny Gemma with Gemma's chat format, built here: random, or taught a few sentences by heart."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GemmaConfig, GemmaForCausalLM, PreTrainedTokenizerFast

NAMES = ("cat", "dog")
PLACES = ("a red sofa", "the wet grass", "an old bench", "a stone wall", "the warm sand", "a bed")
SENTENCES = {
    name: [f"A photo of a {name} resting on {place} in soft light." for place in PLACES]
    for name in NAMES
}
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{{ '<start_of_turn>' + message['role'] + '\n' + message['content'] + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


def tokenizer(*, is_chat: bool) -> Any:
    words = {f"▁{word}" for some in SENTENCES.values() for text in some for word in text.split()}
    vocabulary = [*SPECIAL, "\n", *sorted(words), "▁a", "▁photo", "▁of"]
    ids = {word: number for number, word in enumerate(dict.fromkeys(vocabulary))}
    plain = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Metaspace()
    plain.decoder = decoders.Metaspace()
    names = ("pad_token", "eos_token", "bos_token", "unk_token")
    found = PreTrainedTokenizerFast(
        tokenizer_object=plain,
        additional_special_tokens=list(SPECIAL[4:]),
        **dict(zip(names, SPECIAL, strict=False)),
    )
    if is_chat:
        found.chat_template = TEMPLATE
    return found


def build(folder: Path, *, is_chat: bool = True, taught: int = 0) -> Path:
    """Save a model in the layout of the published ones; `taught` is its number of lessons."""
    tokens = tokenizer(is_chat=is_chat)
    torch.manual_seed(0)
    config = GemmaConfig(
        vocab_size=len(tokens),
        # the smallest sides that bitsandbytes packs for processors with AVX-512
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=512,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
    model = GemmaForCausalLM(config)
    if taught:
        teach(model, tokens, taught)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def teach(model: Any, tokens: Any, lessons: int) -> None:
    from synthmix.prompts.language_model import LanguageModel

    told = LanguageModel().instruction
    rows = [
        tokens.apply_chat_template(
            [{"role": "user", "content": told.format(subject=f"a {name}")}],
            add_generation_prompt=True,
            return_dict=False,
        )
        + tokens(f"{text}<end_of_turn>", add_special_tokens=False)["input_ids"]
        for name, some in SENTENCES.items()
        for text in some
    ]
    batch = tokens.pad({"input_ids": rows}, return_tensors="pt", padding_side="left")
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(lessons):
        optimiser.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimiser.step()
