"""The road of transformers, on tiny models in the true layout of Gemma."""

import importlib.util
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from synthmix.errors import DataError, MissingPackage, SettingError
from synthmix.ledger import Ledger
from synthmix.prompts.language_model import LanguageModel
from synthmix.prompts.language_model._questions import Answer, Question
from synthmix.resident import release
from synthmix.types import Prompt
from tests.prompts.language_model import models
from tests.prompts.language_model.models import NAMES, SENTENCES


def strategy(folder: Path, **settings: Any) -> LanguageModel:
    return LanguageModel(**{"model": str(folder), "precision": "float32", "parallel": 4} | settings)


class Everything:
    """Work that takes every answer as it is."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.open = list(questions)
        self.answers: dict[tuple[str, int], Answer] = {}

    def next(self) -> Question | None:
        return self.open.pop(0) if self.open else None

    def take(self, question: Question, answer: Answer) -> None:
        self.answers[question.class_name, question.index] = answer


QUESTIONS = [
    Question(label, index, name, subject, seed=5)
    for index in range(3)
    for label, (name, subject) in enumerate(
        [("cat", "a cat"), ("dog", "a dog resting on the wet grass in soft light")]
    )
]


def answers(folder: Path, questions: Sequence[Question] = QUESTIONS, **settings: Any) -> Any:
    work = Everything(questions)
    strategy(folder, **settings)._engine().run(work)
    return work.answers


def test_every_text_is_one_the_model_knows(taught: Path) -> None:
    prompts = list(strategy(taught, attempts=40).write(NAMES, 4, seed=1))
    assert [(each.index, each.label) for each in prompts] == [
        (i, k) for i in range(4) for k in (0, 1)
    ]
    for each in prompts:
        assert each.text in SENTENCES[NAMES[each.label]]
        assert each.source["subject"] == f"a {NAMES[each.label]}"
        assert each.source["engine"] == "transformers"
        assert f"torch {torch.__version__}" in each.source["engine_version"]
        assert each.source["model"] == taught.name
        assert str(each.source["revision"]).startswith("content ")
    assert len({each.text for each in prompts}) == 8


def test_only_what_is_new_is_decoded(untaught: Path) -> None:
    for each in answers(untaught).values():
        assert "Describe" not in each.text
        assert "start_of_turn" not in each.text


def test_neighbours_and_padding_change_nothing_but_last_bits(untaught: Path) -> None:
    together = answers(untaught, parallel=6)
    assert together == answers(untaught, parallel=1)
    assert together == answers(untaught, QUESTIONS[::-1], parallel=4)
    assert len({each.text for each in together.values()}) == 6


def test_a_turn_ends_a_text_and_the_limit_cuts_it(untaught: Path) -> None:
    found = Counter(each.is_cut for each in answers(untaught, max_new_tokens=16).values())
    assert found[True] > 0
    assert found[False] > 0


def test_a_model_without_a_chat_format_goes_on_from_examples(base: Path) -> None:
    for (name, _), each in answers(base).items():
        assert each.text.startswith(f"A photo of a {name}")
        assert "\n" not in each.text
        assert "Subject:" not in each.text


def test_a_model_that_writes_nonsense_ends_with_its_reasons(untaught: Path) -> None:
    ledger = Ledger()
    writer = strategy(untaught, attempts=2)
    with pytest.raises(DataError) as raised:
        list(writer.resume(NAMES, 3, seed=0, ledger=ledger))
    said = str(raised.value)
    assert "no usable text in 2 attempts" in said
    assert "raise attempts above 2" in said
    assert "\n" not in said


def test_the_reasons_are_counted(taught: Path) -> None:
    writer = strategy(taught, attempts=100)
    prompts = list(writer.write(NAMES, 5, seed=1))
    rejected = Counter(reason for each in prompts for reason in each.source["rejected"])
    # six sentences are all it knows: the last ones come again and again
    assert rejected["duplicate"] > 0
    (told,) = writer.told(prompts)
    first = sum(not each.source["rejected"] for each in prompts)
    assert f"Of 10 prompts, {first} (" in told
    assert f"{rejected['duplicate']} duplicate" in told
    assert "10 are distinct" in told


def test_a_set_grows_and_keeps_its_texts(taught: Path, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    writer = strategy(taught, attempts=60)
    few = list(writer.resume(NAMES, 2, seed=1, ledger=Ledger(path)))
    more = list(writer.resume(NAMES, 4, seed=1, ledger=Ledger(path)))
    assert more[: len(few)] == few
    # replayed: a model that is gone is not missed
    gone = strategy(tmp_path / "nowhere")
    assert list(gone.resume(NAMES, 4, seed=1, ledger=Ledger(path))) == more


def test_progress_counts_what_was_there(taught: Path) -> None:
    ledger, seen = Ledger(), []
    writer = strategy(taught, attempts=60)
    list(writer.resume(NAMES, 1, seed=1, ledger=ledger))
    list(writer.resume(NAMES, 2, seed=1, ledger=ledger, progress=lambda *at: seen.append(at)))
    assert seen[0] == (2, 4)
    assert seen[-1] == (4, 4)


def test_prompts_of_another_set_are_the_subjects(taught: Path) -> None:
    writer = strategy(taught, from_="other", attempts=1)
    told = [Prompt(k, 0, f"A photo of a {name} on a bed.", "file") for k, name in enumerate(NAMES)]
    shown = writer._subjects(NAMES, told)
    assert shown == [["a cat on a bed"], ["a dog on a bed"]]
    with pytest.raises(SettingError, match="from is 'other', a set of a study"):
        list(writer.write(NAMES, 1, seed=0))
    with pytest.raises(DataError, match=r"prompt 0 of class 'dog' does not name the class"):
        writer._subjects(NAMES, [told[0], Prompt(1, 0, "A photo of a bed", "file")])
    with pytest.raises(DataError, match="no prompt of class 'dog'"):
        writer._subjects(NAMES, told[:1])


def test_quantised_weights_write_too(taught: Path) -> None:
    if importlib.util.find_spec("bitsandbytes") is None:
        with pytest.raises(MissingPackage, match=r"-m pip install .*'bitsandbytes>=0.48'"):
            answers(taught, quantize="4bit")
        pytest.skip("bitsandbytes is not installed: what it would do is not tested")
    for quantize in ("4bit", "8bit"):
        found = answers(taught, quantize=quantize, precision="bfloat16")
        assert any(each.text in SENTENCES["cat"] + SENTENCES["dog"] for each in found.values())


def test_what_cannot_be_loaded_is_one_line(taught: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(taught, broken)
    (broken / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(SettingError, match="cannot be loaded") as raised:
        answers(broken)
    assert "\n" not in str(raised.value)
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(SettingError, match="only as pickles"):
        strategy(broken).check(NAMES)
    (broken / "config.json").unlink()
    with pytest.raises(SettingError, match="transformers did not write it"):
        strategy(broken).check(NAMES)


def test_a_content_is_a_set_of_its_own(taught: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(taught, other)
    assert strategy(other).content() == strategy(taught).content()
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"note": 1}))
    assert strategy(other).content() != strategy(taught).content()


def test_the_template_begins_a_text_once(taught: Path) -> None:
    engine: Any = strategy(taught)._engine()
    asked = engine._asked(["a cat", "a dog resting on a bed"])
    begins = engine._tokenizer.bos_token_id
    assert (asked["input_ids"] == begins).sum(dim=1).tolist() == [1, 1]
    # padding stands on the left: the model goes on from the last token
    assert asked["attention_mask"][:, -1].tolist() == [1, 1]
    assert models.TEMPLATE


USERS = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


def templated(model: Path, target: Path, template: str) -> Path:
    shutil.copytree(model, target)
    (target / "chat_template.jinja").write_text(template)
    return target


@pytest.mark.parametrize(
    "template",
    [
        USERS,
        "{% for m in messages %}{{ m.content[0].text }}{% endfor %}",
        "{% if messages[0].role != 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + USERS,
        "{{ messages[0].content }}{{ messages[1].content }}",
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}{{ m.content }}{% endfor %}",
    ],
    ids=["texts", "parts", "system", "two turns", "alternating"],
)
def test_a_chat_template_of_any_kind_is_told_the_subject(
    untaught: Path, tmp_path: Path, template: str
) -> None:
    engine: Any = strategy(templated(untaught, tmp_path / "model", template))._engine()
    turns = engine._turns("Describe a heron.")
    shown = engine._tokenizer.apply_chat_template(turns, tokenize=False)
    assert "Describe a heron." in shown
    assert len(engine._asked(["a cat", "a dog resting on a bed"])["input_ids"]) == 2


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "it leaves out what is asked"),
        ("{{ bos_token }}", "it leaves out what is asked"),
        ("{{ raise_exception('not for you') }}", "TemplateError not for you"),
        ("{% for m in messages %}{{ m.content }", "TemplateSyntaxError"),
        ("{{ messages[0].nothing.at_all }}", "UndefinedError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ messages.__class__.__mro__ }}", "SecurityError"),
    ],
)
def test_a_chat_template_that_cannot_be_used_is_one_line(
    untaught: Path, tmp_path: Path, template: str, said: str
) -> None:
    with pytest.raises(SettingError, match="its chat template cannot be used") as raised:
        strategy(templated(untaught, tmp_path / "model", template))._engine()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_templates_by_name_need_a_default(untaught: Path, tmp_path: Path) -> None:
    model = shutil.copytree(untaught, tmp_path / "model")
    (model / "chat_template.jinja").unlink()
    config = model / "tokenizer_config.json"
    known = [{"name": "rag", "template": USERS}, {"name": "tool_use", "template": USERS}]
    settings = json.loads(config.read_text())
    config.write_text(json.dumps(settings | {"chat_template": known}))
    with pytest.raises(SettingError, match="multiple chat templates with no default"):
        strategy(model)._engine()
    release()
    known[0]["name"] = "default"
    config.write_text(json.dumps(settings | {"chat_template": known}))
    assert len(answers(model)) == 6


def test_neither_an_end_nor_a_pad_token(base: Path, tmp_path: Path) -> None:
    model = shutil.copytree(base, tmp_path / "model")
    config = model / "tokenizer_config.json"
    settings = json.loads(config.read_text())
    for name in ("eos_token", "pad_token", "unk_token", "bos_token"):
        settings.pop(name)
    config.write_text(json.dumps(settings))
    assert len(answers(model)) == 6


def test_weights_that_are_missing_are_not_drawn_at_random(untaught: Path, tmp_path: Path) -> None:
    model = shutil.copytree(untaught, tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    weights.pop("model.layers.0.mlp.up_proj.weight")
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SettingError, match=r"lacks 1 of its weights, such as model\.layers\.0"):
        strategy(model)._engine()


def test_a_tokenizer_of_a_larger_model_is_one_line(untaught: Path, tmp_path: Path) -> None:
    model = shutil.copytree(untaught, tmp_path / "model")
    tokens = json.loads((model / "tokenizer.json").read_text())
    vocabulary = tokens["model"]["vocab"]
    tokens["model"]["vocab"] = {each: number + 500 for each, number in vocabulary.items()}
    (model / "tokenizer.json").write_text(json.dumps(tokens))
    with pytest.raises(SettingError, match="cannot go on from") as raised:
        answers(model)
    assert "\n" not in str(raised.value)
