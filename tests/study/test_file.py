"""Every mistake in a study file is one line that names the setting, the value and what is right."""

import copy
from pathlib import Path
from typing import Any

import pytest

from synthmix.cli._options import changed as put
from synthmix.errors import NotYetAvailable, SettingError, UnknownComponent
from synthmix.study.config.file import RESERVED, load, read, resolve
from synthmix.study.config.other_names import OTHER_NAMES
from synthmix.study.running.runner import save_study
from tests.study.test_reliability import STUDY

REMOVED = object()


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the study with the value at this dotted path replaced or removed."""
    asked: dict[str, Any] = copy.deepcopy(STUDY)
    *parents, last = path.split(".")
    group = asked
    for each in parents:
        group = group[each]
    if value is REMOVED:
        del group[last]
    else:
        group[last] = value
    return asked


def complaint(path: str, value: object) -> str:
    with pytest.raises(SettingError) as caught:
        resolve(changed(path, value))
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


FLOW = {"use": "flow"}
DIGITS = {"use": "digits"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sedes", 3, ["'sedes'", "Did you mean 'seeds'?"]),
        ("training.stepz", 3, ["training", "'stepz'", "Did you mean 'steps'?"]),
        ("mixing.ratio", [1], ["mixing", "'ratio'", "Did you mean 'ratios'?"]),
        ("synthetic.flow.per_clas", 3, ["synthetic.flow", "Did you mean 'per_class'?"]),
        ("synthetic.flow.generator.rnk", 3, ["synthetic.flow.generator", "Did you mean 'rank'?"]),
        ("real.use", "digit", ["real.use", "'digit'", "Did you mean 'digits'?"]),
        ("synthetic.flow.generator.use", "flwo", ["synthetic.flow.generator.use", "'flow'"]),
        ("mixing.use", "replce", ["mixing.use", "Did you mean 'replace'?"]),
        ("engine.use", "locl", ["engine.use", "Did you mean 'local'?"]),
        ("evaluation", {"test_set": {}}, ["evaluation", "Did you mean 'test_sets'?"]),
        ("evaluation", {"corruptions": {"kind": []}}, [".corruptions", "Did you mean 'kinds'?"]),
        ("evaluation", {"corruptions": {"kinds": ["jpg"]}}, ["evaluation.cor", "mean 'jpeg'?"]),
        ("evaluation", {"test_sets": {"a": {"use": "aray"}}}, ["test_sets.a", "mean 'array'?"]),
        ("synthetic.flow.prompts", {"use": "class-lables"}, ["'class-labels'?"]),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(
    path: str, value: object, words: list[str]
) -> None:
    text = complaint(path, value)
    assert all(word in text for word in words), text


@pytest.mark.parametrize("key", RESERVED)
def test_a_reserved_key_is_not_yet_available(key: str) -> None:
    with pytest.raises(NotYetAvailable, match=f"'{key}' is reserved and not yet available"):
        resolve({**STUDY, key: {}})
    assert set(RESERVED) == {"curation", "codec"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("mixing.ratios", [0.5, 1.5], ["'ratios.1'", "less than or equal to 1", "1.5"]),
        ("mixing.ratios", [-0.1], ["'ratios.0'", "greater than or equal to 0", "-0.1"]),
        ("mixing.ratios", [float("nan")], ["'mixing.ratios'", "finite", "nan"]),
        (
            "mixing",
            {"use": "add", "per_real": [float("inf")]},
            ["'mixing.per_real'", "finite", "inf"],
        ),
        ("mixing", {"use": "add", "per_real": [1e30]}, ["'per_real.0'", "1000000"]),
        ("seeds", 0, ["'seeds'", "greater than or equal to 1", "got 0"]),
        ("seeds", 10**9, ["'seeds'", "less than or equal to 1000"]),
        ("seeds", 10**30, ["'seeds'", "less than or equal to 1000"]),
        ("seed", 10**30, ["'seed'", "64 bits"]),
        ("seed", float("inf"), ["'seed'", "finite"]),
        ("synthetic.flow.per_class", REMOVED, ["synthetic.flow", "`per_class`"]),
        ("synthetic.flow.per_class", 0, ["'synthetic.flow.per_class'", "got 0"]),
        ("synthetic.flow.per_class", 10**30, ["'synthetic.flow.per_class'", "1000000"]),
        ("image_size", 10**9, ["'image_size'", "4096"]),
        ("validation", 0.9, ["'validation'", "0.5", "got 0.9"]),
        ("training.threads", 10**6, ["training", "'threads'", "1024"]),
        ("training.learning_rate", float("inf"), ["'training.learning_rate'", "finite"]),
        ("evaluation", {"corruptions": {"num_images": 0}}, [".num_images'", "got 0"]),
        ("evaluation", {"corruptions": {"kinds": []}}, ["kinds is empty"]),
        ("evaluation", {"corruptions": {"kinds": ["jpeg", "jpeg"]}}, ["names 'jpeg' twice"]),
        ("evaluation", {"mirror": -1}, ["'evaluation.mirror'", "got -1"]),
        ("real.test_fraction", 1, ["real", "test_fraction is 1", "below 1"]),
    ],
)
def test_a_value_out_of_range_is_named_with_its_bounds(
    path: str, value: object, words: list[str]
) -> None:
    text = complaint(path, value)
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("name", None, ["'name'", "string", "None"]),
        ("name", REMOVED, ["'name'", "missing"]),
        ("real", "digits", ["'real'", "group of settings", "'digits'"]),
        ("real", REMOVED, ["'real'", "missing"]),
        ("real", {}, ["real", "`use: NAME`", "digits"]),
        ("synthetic", ["flow"], ["'synthetic'", "group of settings"]),
        ("synthetic.flow", None, ["'synthetic.flow'", "group of settings", "None"]),
        ("synthetic.flow.generator", "flow", ["'synthetic.flow.generator'", "group of settings"]),
        ("mixing.ratios", 0.5, ["mixing", "'ratios'", "must be a list", "0.5"]),
        ("mixing.total", "many", ["mixing", "'total'", "integer", "'many'"]),
        ("training.steps", 1.5, ["training", "'steps'", "integer", "1.5"]),
        ("training.steps", True, ["training", "'steps'", "must be a number", "True"]),
        ("seeds", True, ["'seeds'", "must be a number", "True"]),
        ("training.flip", "maybe", ["training", "'flip'", "boolean", "'maybe'"]),
        ("engine.processes", "two", ["engine", "'processes'", "integer", "'two'"]),
        ("evaluation", {"test_sets": ["a"]}, ["'evaluation.test_sets'", "group of settings"]),
        ("evaluation", {"test_sets": {"a/b": DIGITS}}, ["must be 1 to 80 letters"]),
        ("evaluation", {"corruptions": 3}, ["evaluation.corruptions", "{kinds: [", "got 3"]),
        ("seeds", {1: 2}, ["seeds", "has no setting '1'", "Known: budget"]),
        ("mixing", {"use": None}, ["mixing needs `use: NAME`", "replace"]),
        ("controls", {"shar": 0.5}, ["controls has no key 'shar'", "Did you mean 'share'?"]),
        ("mixing.ratios", [True], ["'ratios'", "must be a number", "True"]),
        ("controls", 3, ["controls must be", "{leave_out: [", "got 3"]),
        ("controls", {"curve": 3}, ["'controls.curve'", "must be a list", "got 3"]),
        ("hypotheses", "a beats b", ["'hypotheses'", "must be a list", "'a beats b'"]),
        ("exclude_duplicates", 3, ["'exclude_duplicates'", "boolean", "got 3"]),
        ("class_map", {"a": True}, ["'class_map.a'", "string", "in quotes", "got True"]),
        ("output", 5, ["'output'", "must be a path", "got 5"]),
        ("output", "", ["'output'", "folder", "''"]),
        ("output", "  ", ["'output'", "folder", "' '"]),
        ("training.steps", "5_0", ["'steps'", "plain digits", "'5_0'"]),
        ("training.learning_rate", "1_0e-1", ["'learning_rate'", "plain digits", "'1_0e-1'"]),
        ("training.steps", " 50 ", ["'steps'", "plain digits", "' 50 '"]),
        ("training.steps", "٥٠", ["'steps'", "integer"]),
        ("training.steps", "50k", ["'steps'", "integer", "'50k'"]),
        ("training.steps", "1,000", ["'steps'", "integer", "'1,000'"]),
        ("validation", "10%", ["'validation'", "number", "'10%'"]),
        ("validation", "0_0.1", ["'validation'", "plain digits", "'0_0.1'"]),
        ("mixing.ratios", ["0_1"], ["'ratios'", "plain digits", "'0_1'"]),
        ("synthetic.flow.per_class", "1_0", ["'synthetic.flow.per_class'", "plain digits"]),
        ("output", "a\0b", ["'output'", "folder"]),
        ("resize", "nearest", ["'resize'", "'lanczos'", "'nearest'"]),
        ("real.split_seed", [1], ["real", "'split_seed'", "integer"]),
        ("synthetic.flow.prompts", {"use": "class-labels", "template": "\ud800 {name}"}, ["Unico"]),
    ],
)
def test_a_value_of_a_wrong_type_is_named(path: str, value: object, words: list[str]) -> None:
    text = complaint(path, value)
    assert all(word in text for word in words), text


@pytest.mark.parametrize("name", ["a/b", "../x", "", "é", ".hidden", "a b", "x" * 81])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    assert "'name': must be 1 to 80 letters" in complaint("name", name)
    generated = {"generator": FLOW, "per_class": 1}
    assert "must be 1 to 80 letters" in complaint("synthetic", {name: generated})


def test_a_long_value_is_cut_short_in_the_message() -> None:
    assert complaint("name", "x" * 5000).endswith("....")


def test_prompts_need_a_generator() -> None:
    text = complaint("synthetic.flow", {"images": DIGITS, "prompts": {"use": "class-labels"}})
    assert "synthetic.flow.prompts goes with a generator" in text


@pytest.mark.parametrize(
    ("each", "found"),
    [({"images": DIGITS, "generator": FLOW, "per_class": 1}, "both"), ({}, "neither")],
)
def test_a_set_has_either_images_or_a_generator(each: dict[str, Any], found: str) -> None:
    text = complaint("synthetic.flow", each)
    assert f"needs either `generator` or `images` (ones that are there), got {found}" in text


def test_no_set_takes_the_name_of_the_real_images() -> None:
    text = complaint("synthetic", {"real": {"generator": FLOW, "per_class": 1}})
    assert "synthetic.real" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold keys like `name:`"),
        ("- a\n- b\n", "must hold keys like `name:`"),
        ("hello", "must hold keys like `name:`"),
        ("name: [a\n", "not valid YAML: line 2"),
        ("name: x\n\treal: y\n", "not valid YAML: line 2"),
        ("name: x\nseeds: 1\nseeds: 2\n", "line 3: the key 'seeds' is there twice"),
        ("name: x\nreal: {use: digits, use: folder}\n", "line 2: the key 'use' is there twice"),
        ("---\nname: x\n---\nname: y\n", "not valid YAML: line 3"),
        ("!!python/object/apply:os.system [id]\n", "not valid YAML: line 1"),
        ("seed: " + "9" * 5000, "not valid YAML: line 1: a number of 5,000 characters"),
        ("name: \x07\n", "not valid YAML: unacceptable character"),
        ("? [a]\n: b\n", "not valid YAML: line 1"),
        ("[" * 1000, "nested too deeply"),
        ("name: x\nhypotheses: &a [*a]\n", "an alias stands for what it is part of"),
    ],
)
def test_what_is_not_a_study_in_yaml_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(SettingError) as caught:
        load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"\xfe\x80\x00")
    with pytest.raises(SettingError, match="must be UTF-8"):
        load(path)


STUDY_TEXT = """
name: 007
real: {use: digits, seed: 010}
synthetic:
  1e3: &set {generator: {use: flow, fit_steps: 0x10, flip: no}, per_class: 8}
  NO: *set
mixing: {use: per-class, per_class: {1: 3, 007: 0o17, yes: 1000}}
class_map: {010: 3, NO: on, null: 1:30, true: 2020-01-01}
output: 2024
"""


def test_numbers_are_numbers_where_asked_and_text_as_written_where_not(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY_TEXT)
    study = load(path)
    assert (study.name, study.output) == ("007", Path("2024"))
    assert [each.name for each in study.synthetic] == ["1e3", "NO"]
    found = study.resolved()
    assert found["real"]["seed"] == 10
    generator = found["synthetic"]["NO"]["generator"]
    assert (generator["fit_steps"], generator["flip"]) == (16, False)
    assert found["mixing"]["per_class"] == {"1": 3, "007": 15, "yes": 1000}
    assert study.class_map == {"010": "3", "NO": "on", "null": "1:30", "true": "2020-01-01"}


def test_a_study_kept_beside_its_results_reads_back_to_the_same(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY_TEXT.replace("output: 2024", f"output: {tmp_path / 'out'}"))
    study = load(path)
    save_study(study)
    assert load(study.output / "study.yaml").resolved() == study.resolved()
    assert "010" in (study.output / "study.yaml").read_text()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_study_is_read_in_any_unicode_and_with_any_line_ends(
    tmp_path: Path, encoding: str, newline: str
) -> None:
    path = tmp_path / "study.yaml"
    text = "name: x\nreal: {use: digits}\nclass_map: {Mädchen 👧: '1'}\n"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    assert load(path).class_map == {"Mädchen 👧": "1"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("mixing", {"use": "per-class", "per_class": {"1": True}}, ["'per_class.1'", "a number"]),
        ("training.flip", 1, ["'flip'", "true or false", "got 1"]),
        ("exclude_duplicates", 1.0, ["'exclude_duplicates'", "true or false"]),
        ("seed", True, ["'seed'", "must be a number"]),
        ("training.learning_rate", 1e300, ["'learning_rate'", "100"]),
        ("training.learning_rate", "inf", ["'learning_rate'", "finite"]),
        ("training.weight_decay", "nan", ["'weight_decay'", "finite"]),
        ("synthetic.flow.generator.steps", 2**62, ["'steps'", "1000"]),
        ("synthetic.flow.generator.batch_size", 2**40, ["'batch_size'", "65536"]),
        ("evaluation", {"mirror": 2**62}, ["'evaluation.mirror'", "100000000"]),
        (
            "evaluation",
            {"corruptions": {"kinds": [{"use": "jpeg", "levels": [1, 2, 3, 4, 1e9]}]}},
            ["'levels.4'", "100"],
        ),
        ("engine.processes", 10**6, ["'processes'", "1024"]),
        ("hypotheses", ["a beats b"] * 1001, ["'hypotheses'", "1000"]),
        ("controls", {"share": float("inf")}, ["'controls.share'", "finite"]),
        ("output", "~nosuchuser/x", ["'output'", "no user 'nosuchuser'"]),
        ("real", {"use": "folder", "path": "~nosuchuser"}, ["path'", "no user 'nosuchuser'"]),
        (
            "synthetic.flow.generator",
            {"use": "stylegan-xl", "checkpoint": "~nosuchuser/a", "class_names": ["a"]},
            ["checkpoint'", "nosuchuser"],
        ),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(
    path: str, value: object, words: list[str]
) -> None:
    text = complaint(path, value)
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "training.epochs",
            10,
            ["training.epochs: steps are counted", "10 x N / B", "training.steps"],
        ),
        ("epochs", 3, ["epochs: steps are counted", "3 epochs"]),
        ("training.lr", 0.1, ["training.lr: set training.learning_rate"]),
        ("training.pretrained", True, ["training.pretrained: every classifier", "random weights"]),
        ("backbone", "resnet50", ["backbone: set training.model"]),
        ("training.model_name", "resnet50", ["set training.model"]),
        ("training.wd", 1, ["set training.weight_decay"]),
        ("training.BS", 1, ["set training.batch_size"]),
        ("num-seeds", 5, ["set seeds"]),
        ("dataset", "cifar10", ["set real, for example {use: folder, path: DIR}"]),
        ("workers", 4, ["set engine.processes"]),
        ("engine.num_workers", 4, ["engine.num_workers: set engine.processes"]),
        ("real.img_size", 32, ["real.img_size: set image_size"]),
        ("synthetic.flow.num_images", 3, ["synthetic.flow.num_images: set per_class"]),
        ("synthetic.flow.generator.epochs", 3, ["steps are counted"]),
        ("evaluation", {"metrics": ["f1"]}, ["evaluation.metrics: every metric"]),
        ("training.optimizer", "adam", ["'optimizer'", "'sgd' or 'muon'", "'adam'"]),
    ],
)
def test_what_others_call_a_setting_is_answered_by_its_name_here(
    path: str, value: object, words: list[str]
) -> None:
    text = complaint(path, value)
    assert all(word in text for word in words), text


def test_no_setting_is_answered_as_if_it_were_anothers() -> None:
    """A name in the table may be a setting of one component; there it is taken."""
    for told in OTHER_NAMES.values():
        assert told.format(value=1)
    source = {"use": "array", "path": "x.npz", "class_names": ["a"]}
    assert resolve(changed("real", source)).real.settings()["class_names"] == ("a",)


def test_changes_on_the_command_line_are_read_by_the_same_rules() -> None:
    asked = changed("seeds", 2)
    with_changes = put(asked, ["name=007", "seed=010", "class_map.NO=1e3", "training.flip=no"])
    study = resolve(with_changes)
    assert (study.name, study.seed, study.class_map) == ("007", 10, {"NO": "1e3"})
    assert study.recipe.flip is False
    with pytest.raises(SettingError, match="--set seed is not valid YAML"):
        put(asked, ["seed=&a [*a]"])


@pytest.mark.parametrize("change", ["output=", "training.steps= ", "synthetic.flow.per_class="])
def test_a_change_to_nothing_is_no_default(change: str) -> None:
    with pytest.raises(SettingError, match="gives no value"):
        put(changed("seeds", 2), [change])


@pytest.mark.parametrize(
    "text", ["name: x\nimage_size:\n", "name: x\nclass_map: {a: }\n", "a:\n- \n"]
)
def test_a_key_without_a_value_is_no_default(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(SettingError, match=r"yaml, line 2: a value is missing; write one, or null"):
        load(path)


def test_null_is_the_default() -> None:
    study = resolve(put(changed("seeds", 2), ["image_size=null", "output=~"]))
    assert (study.image_size, study.output) == (None, Path("results") / study.name)


def test_a_change_of_what_an_alias_stands_for_is_no_change_of_others(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY_TEXT)
    study = resolve(put(read(path), ["synthetic.NO.generator.fit_steps=4"]))
    steps = {
        name: each["generator"]["fit_steps"] for name, each in study.resolved()["synthetic"].items()
    }
    assert steps == {"1e3": 16, "NO": 4}


def test_a_merge_key_may_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("name: x\nreal: &r {use: digits, seed: 1}\nmixing: {<<: *r, use: replace}\n")
    with pytest.raises(SettingError, match="The mixing 'replace' has no setting 'seed'"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no study file .*nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")


def test_an_unknown_component_keeps_its_type() -> None:
    with pytest.raises(UnknownComponent):
        resolve(changed("real.use", "nosuch"))


def test_a_studys_fingerprint_follows_its_settings() -> None:
    assert resolve(STUDY).fingerprint == resolve(copy.deepcopy(STUDY)).fingerprint
    assert resolve(STUDY).fingerprint != resolve(changed("seeds", 3)).fingerprint


def kinds(**evaluation: object) -> set[str]:
    return set(resolve({**STUDY, "evaluation": evaluation}).evaluation.corruptions)


def test_corruptions_are_made_unless_there_are_test_sets_or_a_study_says_so() -> None:
    assert len(kinds()) == 6
    assert kinds(test_sets={"other": DIGITS}) == set()
    assert len(kinds(test_sets={"other": DIGITS}, corruptions=True)) == 6
    assert kinds(corruptions=False) == set()
    assert kinds(corruptions={"kinds": ["jpeg"]}) == {"jpeg"}


def test_a_kind_of_corruption_may_have_levels_of_its_own() -> None:
    jpeg = {"use": "jpeg", "levels": [90, 80, 70, 60, 50]}
    study = resolve({**STUDY, "evaluation": {"corruptions": {"kinds": [jpeg]}}})
    assert study.resolved()["evaluation"]["corruptions"]["jpeg"]["levels"] == jpeg["levels"]


def test_a_study_that_excludes_nothing_resolves_as_before() -> None:
    assert "exclude_duplicates" not in resolve(STUDY).resolved()
    assert resolve({**STUDY, "exclude_duplicates": True}).resolved()["exclude_duplicates"]


def test_settings_of_a_default_component_need_not_repeat_its_name() -> None:
    study = resolve(changed("mixing", {"total": 30}) | {"engine": {"processes": 1}})
    assert (study.mixing.settings()["total"], study.resolved()["mixing"]["use"]) == (30, "replace")
    assert study.engine.settings() == {"processes": 1}
