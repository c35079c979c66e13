"""The command line: what it prints where, its exit status, and its flags."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer.main
import yaml

from synthmix.cli.app import app
from synthmix.cli.main import STOPPING, main
from synthmix.store import signed
from synthmix.study import load, run
from synthmix.study.running import study_copy
from tests.generators.diffusers import pipelines
from tests.generators.stylegan_xl import published
from tests.study.test_reliability import STUDY, write_study

FLAGS = {
    "run": ["--set", "--quiet", "-q", "--json"],
    "plan": ["--set", "--measure", "--no-measure", "--spread", "--all", "--json"],
    "status": ["--set", "--all", "--json"],
    "generate": [
        *("--only", "--generator", "--real", "--per-class", "--output"),
        *("--set", "--quiet", "-q", "--json"),
    ],
    "train": ["--arm", "--seed", "--set", "--quiet", "-q", "--json"],
    "evaluate": ["--replace", "--json"],
    "report": ["--json"],
    "export": ["--format", "--json"],
    "list": ["--json"],
    "attributes": [],
    "attributes extract": ["--lists", "--quiet", "-q", "--json"],
    "attributes group": ["--classes", "--embeddings", "--quiet", "-q", "--json"],
    "prompts": [],
    "prompts lint": ["--classes", "--model", "--revision", "--chunks", "--json"],
    "prompts show": ["--classes", "--model", "--embeddings", "--samples", "--json"],
    "prompts write": ["--classes", "--per-class", "--set", "--seed", "--quiet", "-q", "--json"],
    "weights": [],
    "weights fetch": ["--revision", "--variant", "--json"],
    "weights convert": ["--sha256", "--json"],
    "doctor": ["--json"],
    "schema": [],
}
FAMILIES = ["data", "prompts", "generators", "mixing", "metrics", "corruptions", "engines"]
SMALL_FLOW: dict[str, Any] = {
    key: value
    for key, value in STUDY["synthetic"]["flow"]["generator"].items()  # type: ignore[index]
    if key != "use"
}


class Done(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Return the command line as a function; it puts the handlers of signals back."""

    def called(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["synthmix", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    before = [signal.getsignal(number) for number in STOPPING]
    yield called
    for number, handler in zip(STOPPING, before, strict=True):
        signal.signal(number, handler)
    sys.unraisablehook = sys.__unraisablehook__


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study's folder, which holds its file and `out`."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        run(load(write_study(folder, seeds=1)))
    return folder


def one_line(done: Done) -> str:
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("synthmix: ")
    assert done.err.count("\n") == 1
    return done.err


def test_the_flags_of_every_command_are_these() -> None:
    commands: dict[str, Any] = dict(vars(typer.main.get_command(app))["commands"])
    for group in ("attributes", "prompts", "weights"):
        within = vars(commands[group])["commands"]
        commands |= {f"{group} {name}": command for name, command in within.items()}
    found = {
        name: [
            flag
            for each in command.params
            if each.opts[0].startswith("-")
            for flag in (*each.opts, *each.secondary_opts)
        ]
        for name, command in commands.items()
    }
    assert found == FLAGS


@pytest.mark.parametrize("command", FLAGS)
def test_every_command_explains_itself(call: Call, command: str) -> None:
    done = call(*command.split(), "--help")
    assert done.status == 0
    assert f"synthmix {command} [OPTIONS]" in done.out
    assert all(flag in done.out for flag in FLAGS[command])


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out.startswith("synthmix ")


def test_list_names_every_family(call: Call) -> None:
    out = call("list").out
    assert all(f"\n{family}\n" in out for family in FAMILIES)
    assert "flow" in call("list", "generators").out
    settings = call("list", "generators", "flow").out
    assert "fit_steps" in settings
    assert "Optimiser steps of the fit." in settings


def test_list_in_json_is_nothing_but_json(call: Call) -> None:
    assert list(json.loads(call("list", "--json").out)) == FAMILIES
    assert "flow" in json.loads(call("list", "generators", "--json").out)["generators"]
    settings = json.loads(call("list", "generators", "flow", "--json").out)
    assert {"name", "kind", "is_required", "default", "help"} == set(settings[0])
    widths = next(each for each in settings if each["name"] == "widths")
    assert (widths["kind"], widths["default"]) == (
        "tuple[int >= 8, <= 8192, ...]",
        [16, 32, 96, 128],
    )
    assert "class '" not in call("list", "generators", "stylegan-xl", "--json").out


def test_list_says_what_files_a_source_reads_and_what_a_recipe_holds(call: Call) -> None:
    assert "one file holds both splits, the names end in" in call("list", "data", "array").out
    assert "label_smoothing" in call("list", "training").out
    assert json.loads(call("list", "training", "--json").out)[0]["name"] == "model"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "generator"], "Did you mean 'generators'?"),
        (["list", "flow"], "Did you mean 'synthmix list generators flow'?"),
        (["list", "generators", "flwo"], "Did you mean 'flow'?"),
        (["run", "nowhere.yaml"], "There is no study file nowhere.yaml."),
        (["run", "/"], "/ is a folder; name the study file"),
        (["evaluate", "nowhere"], "neither a results folder nor a study file 'nowhere'"),
        (["evaluate", "/"], "holds no study.yaml"),
        (["report", "nowhere"], "neither a results folder nor a study file 'nowhere'"),
        (["report", "/"], "has no results.json"),
        (["export", "nowhere", "out"], "is no finished synthetic set"),
        (["generate"], "needs a STUDY or --generator NAME"),
        (["generate", "--generator", "flwo"], "Did you mean 'flow'?"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(call: Call, words: list[str], message: str) -> None:
    assert message in one_line(call(*words))


@pytest.mark.parametrize("below", ["synthetic", "one/synthetic", ""])
def test_the_set_inside_an_output_is_named(call: Call, tmp_path: Path, below: str) -> None:
    asked = tmp_path / "synthetic" if not below else tmp_path
    made = (asked / below / "flow-0123").resolve()
    made.mkdir(parents=True)
    (made / "manifest.json").touch()
    told = one_line(call("export", str(asked), str(tmp_path / "out")))
    assert told.rstrip().endswith(f"it has no manifest.json. The set in it is {made}.")


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["plan", "nowhere.yaml"], "SettingError", "There is no study file nowhere.yaml."),
        (["status", "nowhere.yaml", "--set", "a"], "SettingError", "There is no study file"),
        (["evaluate", "nowhere"], "DataError", "neither a results folder nor a study file"),
        (["list", "generators", "flwo"], "UnknownComponent", "Did you mean 'flow'?"),
        (["export", "nowhere", "out"], "DataError", "is no finished synthetic set"),
        (["plan"], "UsageError", "Missing argument 'STUDY'"),
        (["plan", "a.yaml", "--nosuch"], "UsageError", "No such option"),
        (["nosuch"], "UsageError", "No such command"),
    ],
)
def test_with_json_a_mistake_is_json(call: Call, words: list[str], kind: str, message: str) -> None:
    done = call(*words, "--json")
    told = json.loads(done.out)["error"]
    assert (done.status, told["type"]) == (2, kind)
    assert message in told["message"]
    assert message in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--set", "seeds"], "--set takes KEY=VALUE"),
        (["plan", "--set", "seeds=[1"], "--set seeds is not valid YAML"),
        (["plan", "--set", "seeds.x=1"], "'seeds' is a value"),
        (["plan", "--set", "training.stepz=1"], "Did you mean 'steps'?"),
        (["train", "-q", "--arm", "flow@0.6"], "Did you mean 'flow@0.5'?"),
        (["train", "-q", "--seed", "7"], "--seed is 7; the study's seeds are 0 to 0"),
        (["generate", "--only", "flwo"], "Did you mean 'flow'?"),
        (["generate", "--generator", "flow"], "--generator is 'flow', but a STUDY says that"),
        (["generate", "--per-class", "3"], "--per-class is '3', but a STUDY says that itself"),
        (["generate", "--output", "x"], "--output is 'x', but a STUDY says that itself"),
    ],
)
def test_a_mistake_beside_a_study_is_one_line(
    call: Call, tmp_path: Path, words: list[str], message: str
) -> None:
    study = write_study(tmp_path, seeds=1)
    assert message in one_line(call(words[0], study, *words[1:]))
    assert not (tmp_path / "out").exists()


def test_the_real_command_ends_with_status_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "synthmix", "run", str(tmp_path / "nowhere.yaml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str) -> None:
    command = f"{sys.executable} -W error -m synthmix list {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("flow" in done.stdout) == closed.startswith("2")


def test_what_the_encoding_of_stdout_lacks_is_escaped(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "out", tmp_path / "größe")
    command = [sys.executable, "-m", "synthmix", "report", "größe", "--json"]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, capture_output=True, encoding="ascii", cwd=tmp_path, env=ascii_only
    )
    assert json.loads(done.stdout) == {"report": "größe/report.html"}


@pytest.mark.parametrize("command", ["status", "report", "evaluate", "plan"])
@pytest.mark.parametrize("file", ["results.json", "report.html", "figures/accuracy.svg"])
def test_a_file_of_a_results_folder_stands_for_the_folder(
    call: Call, finished: Path, tmp_path: Path, command: str, file: str
) -> None:
    out = shutil.copytree(finished / "out", tmp_path / "out")
    done = call(command, out / file)
    assert done.status == 0, done.err
    assert done.out.splitlines()[-1] == call(command, out).out.splitlines()[-1]


def test_a_file_beside_no_results_is_read_as_a_study(call: Call, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[1]")
    assert "must hold keys like" in one_line(call("status", tmp_path / "results.json"))


def test_plan_counts_and_runs_nothing(call: Call, tmp_path: Path) -> None:
    study = write_study(tmp_path, seeds=1)
    out = call("plan", study).out
    assert "10 classes, 8 x 8 pixels" in out
    assert "30 real + 30 synthetic" in out
    plan = json.loads(call("plan", study, "--json", "--no-measure").out)
    stages = ["fit", "generate", *["train"] * 3, *["predict"] * 4]
    assert [step["stage"] for step in plan["steps"]] == stages
    assert not (tmp_path / "out").exists()


def test_plan_tells_what_controls_cost_and_what_could_be_seen(call: Call, tmp_path: Path) -> None:
    study = write_study(tmp_path, seeds=3, controls=True)
    done = call("plan", study, "--spread", "0.5")
    assert "With a stated spread of 0.5 points over seeds, 2 judged arms and 3 controls" in done.out
    assert "3 seeds see a gain of " in done.out
    assert "warning: equivalence is out of reach: with 3 seeds" in done.out
    assert "a process while it trains" in done.out
    plan = json.loads(call("plan", study, "--json", "--spread", "0.5").out)
    controls = {each["control"]: each for each in plan["controls"]}
    assert controls["deranged-labels"]["runs"] == 3
    assert controls["half-steps"]["seconds"] > 0
    (case,) = plan["outlook"]["cases"]
    assert case["equivalence"] > case["effect"] / 10
    wider = json.loads(call("plan", study, "--json", "--no-measure", "--spread", "2").out)
    assert wider["outlook"]["cases"][0]["effect"] > case["effect"]
    assumed = json.loads(call("plan", study, "--json", "--no-measure").out)["outlook"]["spread"]
    assert assumed.startswith("an assumed spread of 0.3 points over seeds at 90 % accuracy")
    assert "--spread is -1; it is in points" in one_line(call("plan", study, "--spread", "-1"))


def test_one_seed_is_warned_of_before_it_runs(call: Call, tmp_path: Path) -> None:
    done = call("plan", write_study(tmp_path, seeds=1), "--no-measure")
    assert "warning: seeds is 1: no verdict can be given; 2 are needed at least" in done.out


def test_an_impossible_effect_is_not_stated(call: Call, tmp_path: Path) -> None:
    done = call("plan", write_study(tmp_path, seeds=3), "--no-measure", "--spread", "40")
    assert "3 seeds see no gain at this size: it would have to be more than the 10.00 points" in (
        done.out
    )
    assert "and no equivalence." in done.out


def test_runs_of_an_arm_are_one_row(call: Call, tmp_path: Path) -> None:
    study = write_study(tmp_path, seeds=3)
    for command in (("plan", study, "--no-measure"), ("status", study)):
        rows = call(*command).out
        assert [line.split()[:4] for line in rows.splitlines() if line.startswith("train")] == [
            ["train", name, "3", "runs"] for name in ("real", "flow@0.5", "flow@1")
        ]
        assert "predict   3 arms on corruptions  9 runs" in rows
        every = call(*command, "--all").out
        assert sum(line.startswith("train") for line in every.splitlines()) == 9
        assert "flow@0.5 on corruptions  seed 2" in every
        assert len(json.loads(call(*command, "--json").out)["steps"]) == 3 + 3 + 9 + 9 + 3


def test_run_prints_its_finding_and_where_the_report_is(call: Call, finished: Path) -> None:
    done = call("run", finished / "study.yaml", "--quiet")
    assert done.status == 0
    assert f"Report: {finished / 'out' / 'report.html'}" in done.out
    assert done.err == ""
    results = json.loads(call("run", finished / "study.yaml", "--json").out)
    assert results["name"] == "small"


def test_status_tells_what_is_done(call: Call, finished: Path) -> None:
    assert "9 of 9 done." in call("status", finished / "study.yaml").out
    steps = json.loads(call("status", finished / "study.yaml", "--json").out)["steps"]
    assert {step["state"] for step in steps} == {"done"}
    assert {(step["seed"], step["progress"]) for step in steps} == {(0, None)}


@pytest.mark.parametrize(
    "pattern",
    [
        *("runs/real-seed0-*/logits.npy", "runs/real-seed0-*/weights.safetensors"),
        *("runs/real-seed0-*/manifest.json", "generators/*/manifest.json"),
        *("predictions/real-seed0-corruptions*/jpeg.npy", "synthetic/*/data/*.parquet"),
    ],
)
@pytest.mark.parametrize("how", ["taken away", "cut short", "longer"])
def test_what_lacks_a_part_is_not_done(
    call: Call, finished: Path, tmp_path: Path, pattern: str, how: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    part = next(iter(output.glob(pattern)))
    content = part.read_bytes()
    part.write_bytes(content[: len(content) // 2] if how == "cut short" else content + b"x")
    if how == "taken away":
        part.unlink()
    for command in ("status", "plan"):
        rows = json.loads(call(command, output, "--json").out)["steps"]
        assert "damaged" in {row["state"] for row in rows}, command
    assert "9 of 9 done." not in call("status", output).out


def test_status_tells_what_is_decided(call: Call, tmp_path: Path) -> None:
    study = write_study(tmp_path, seeds="auto")
    assert "No arm is judged yet: runs of the first look are missing." in call("status", study).out
    told = json.loads(call("status", study, "--json").out)
    assert told["looks"] == {"is_settled": False, "added_runs": 0, "verdicts": {}}
    assert [step["seed"] for step in told["steps"] if step["target"] == "real"] == [0, 1, 2]
    out = call("plan", study, "--no-measure").out
    assert "from 3 in steps of 2 to 9, with no budget: at most 18 more runs" in out
    assert "--seed is 8, which is not wanted yet" in one_line(call("train", study, "--seed", 8))


def test_status_lists_what_an_edit_left_behind(call: Call, finished: Path) -> None:
    done = call("status", finished / "study.yaml", "--set", "training.steps=6", "--json")
    found = json.loads(done.out)
    assert [step["state"] for step in found["steps"]].count("to do") == 3 + 4
    assert len(found["stale"]) == 3 + 4


def test_evaluate_repeats_the_results_bytewise(call: Call, finished: Path) -> None:
    path = finished / "out" / "results.json"
    before = path.read_bytes()
    done = call("evaluate", finished / "out")
    assert done.status == 0
    assert done.out.startswith(
        f"{path}\nThe recomputed results equal the stored ones, byte for byte.\n"
    )
    assert "Invalid: " in done.out, "the verdict of one seed"
    path.unlink()
    assert "no stored results to compare with" in call("evaluate", finished / "out").out
    assert path.read_bytes() == before
    assert json.loads(call("evaluate", finished / "out", "--json").out) == json.loads(before)


def test_evaluate_names_what_differs_and_overwrites_nothing(call: Call, finished: Path) -> None:
    path = finished / "out" / "results.json"
    before = path.read_bytes()
    stored = json.loads(before)
    stored["arms"][1]["runs"][0]["accuracy"] += 0.125
    stored["versions"]["numpy"] = "0"
    stored["note"] = "mine"
    path.write_text(json.dumps(stored))
    doubted = path.read_bytes()
    done = call("evaluate", finished / "out")
    assert done.status == 1
    assert "differ from the stored ones in: arms.1.runs.0.accuracy, note, versions.numpy." in (
        done.out
    )
    assert path.read_bytes() == doubted
    beside = path.with_name("results-recomputed.json")
    assert beside.read_bytes() == before
    done = call("evaluate", finished / "out", "--replace")
    assert done.status == 1
    kept = path.with_name("results-before.json")
    assert str(kept) in done.out
    assert (path.read_bytes(), kept.read_bytes()) == (before, doubted)
    kept.unlink()
    beside.unlink()


@pytest.mark.parametrize(
    "pattern",
    ["runs/*/logits.npy", "runs/*/validation_logits.npy", "predictions/*corruptions*/jpeg*.npy"],
)
@pytest.mark.parametrize("how", ["cut short", "another winner", "taken away"])
def test_evaluate_names_predictions_that_are_not_those_stored(
    call: Call, finished: Path, tmp_path: Path, pattern: str, how: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    victim = sorted(output.glob(pattern))[0]
    if how == "taken away":
        victim.unlink()
    elif how == "cut short":
        victim.write_bytes(victim.read_bytes()[:-7])
    else:
        logits = np.load(victim)
        np.save(victim, -logits)
    done = call("evaluate", output)
    assert done.status == 2
    assert f"{victim} is missing or not what was stored" in one_line(done)
    assert "makes it anew" in done.err


def test_evaluate_names_a_manifest_of_other_settings(
    call: Call, finished: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    path = sorted(output.glob("runs/*/manifest.json"))[0]
    manifest = json.loads(path.read_text())
    manifest["settings"]["test"] = "0123456789abcdef"
    path.write_text(json.dumps(manifest))
    assert f"{path} is damaged" in one_line(call("evaluate", output))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_evaluate_leaves_damaged_results_where_they_are(
    call: Call, finished: Path, tmp_path: Path, text: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    expected = (output / "results.json").read_bytes()
    (output / "results.json").write_text(text)
    done = call("evaluate", output)
    assert done.status == 1
    assert "differ from the stored ones in: everything (it is damaged)" in done.out
    assert (output / "results.json").read_text() == text
    assert call("evaluate", output, "--replace").status == 1
    assert (output / "results.json").read_bytes() == expected


def test_report_tells_a_script_where_the_page_is(call: Call, finished: Path) -> None:
    told = json.loads(call("report", finished / "out", "--json").out)
    assert told == {"report": str(finished / "out" / "report.html")}


@pytest.mark.parametrize("command", ["report", "evaluate", "status"])
def test_a_study_file_stands_for_its_results_and_they_for_it(
    call: Call, finished: Path, command: str
) -> None:
    by_folder = call(command, finished / "out")
    assert by_folder.status == 0
    assert by_folder.out
    assert call(command, finished / "study.yaml") == by_folder
    text = one_line(call(command, finished / "nowhere.yaml"))
    assert "study" in text
    assert "nowhere.yaml" in text


def test_a_study_file_stands_for_its_results_and_for_no_others(
    call: Call, finished: Path, tmp_path: Path
) -> None:
    study = yaml.safe_load((finished / "study.yaml").read_text())
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({**study, "output": str(output)}))
    told = json.loads(call("report", mine, "--json").out)
    assert told == {"report": str(output / "report.html")}
    for change, words in (
        ({"name": "other"}, "holds another study, 'small', not what"),
        ({"seed": 7}, "holds an earlier version of this study, not what"),
    ):
        mine.write_text(yaml.safe_dump({**study, "output": str(output), **change}))
        for command in ("report", "evaluate"):
            assert words in one_line(call(command, mine))


def test_report_repeats_its_bytes_without_torch(finished: Path) -> None:
    path = finished / "out" / "report.html"
    before = path.read_bytes()
    path.unlink()
    code = (
        "import sys; from synthmix.cli.app import app\n"
        f"app(['report', {str(finished / 'out')!r}], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("kind", "first"), [("folder", "0/00000.png"), ("webdataset", "*.tar")])
def test_a_set_is_exported(
    call: Call, finished: Path, tmp_path: Path, kind: str, first: str
) -> None:
    made = next((finished / "out" / "synthetic").glob("flow-*"))
    assert call("export", made, tmp_path / "out", "--format", kind).status == 0
    assert list((tmp_path / "out").glob(first))
    again = one_line(call("export", made, tmp_path / "out", "--format", kind))
    assert "exists already" in again
    told = call("export", made, tmp_path / "other", "--format", kind, "--json").out
    assert json.loads(told) == {
        "folder": str(tmp_path / "other"),
        "images": 80,
        "class_names": list("0123456789"),
    }
    for inside in (made, made / "out", made / "data" / ".." / "deep" / "out"):
        assert "lies in the set itself" in one_line(call("export", made, inside, "--format", kind))
    assert not (made / "deep").exists()


def test_a_set_is_generated_without_a_study(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {**SMALL_FLOW, "fit_steps": 2}
    changes = [f"--set=generator.{key}={value}" for key, value in small.items()]
    output = tmp_path / "made"
    words = ["generate", "--generator", "flow", "--per-class", 2, "--output", "made", *changes]
    monkeypatch.chdir(tmp_path)
    folders = json.loads(call(*words, "--json").out)
    assert call(*words, "--quiet").out.split() == folders
    assert [Path(each).parent for each in folders] == [output / "synthetic"]
    assert len(list(Path(folders[0], "data").glob("*.parquet"))) == 1


def test_published_weights_become_images_in_class_folders(call: Call, tmp_path: Path) -> None:
    source = published.write(tmp_path / "cifar10.pkl", c_dim=10)
    target = tmp_path / "cifar10.safetensors"
    assert "8x8 pixels, 10 classes" in call("weights", "convert", source, target).out
    assert "exists already" in one_line(call("weights", "convert", source, target))
    words = ["generate", "--generator", "stylegan-xl", "--per-class", 3, "--quiet", "--json"]
    output = ["--output", tmp_path / "made", "--set", "image_size=8"]
    sets = [
        json.loads(call(*words, *output, "--set", f"generator.checkpoint={path}").out)[0]
        for path in (source, target)
    ]
    pixels = [json.loads(Path(each, "manifest.json").read_text())["pixels"] for each in sets]
    assert pixels[0] == pixels[1]
    assert call("export", sets[0], tmp_path / "StyleGAN_XL").status == 0
    folders = sorted(path.name for path in (tmp_path / "StyleGAN_XL").iterdir())
    assert folders == [str(digit) for digit in range(10)]
    assert len(list((tmp_path / "StyleGAN_XL" / "3").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("generator.checkpoint=nowhere.pkl", "nowhere.pkl does not exist"),
        ("generator.truncation_psi=7", "truncation_psi"),
        ("generator.sha256=ab", "64 hexadecimal digits"),
    ],
)
def test_wrong_weights_are_one_line(call: Call, tmp_path: Path, change: str, reason: str) -> None:
    path = published.write(tmp_path / "three.pkl", c_dim=3)
    words = ["generate", "--generator", "stylegan-xl", "--output", tmp_path / "made"]
    done = call(*words, "--set", f"generator.checkpoint={path}", "--set", change)
    assert reason in one_line(done)


def test_classes_that_do_not_match_the_network_are_one_line(call: Call, tmp_path: Path) -> None:
    path = published.write(tmp_path / "three.pkl", c_dim=3)
    words = ["generate", "--generator", "stylegan-xl", "--output", tmp_path / "made", "--quiet"]
    done = call(*words, "--set", f"generator.checkpoint={path}")
    assert "draws 3 classes, but the study has 10" in one_line(done)


def test_prompts_are_linted(call: Call, tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(json.dumps({"cat": ["a cat", "a cat on grass"], "dog": ["a dog"]}))
    done = call("prompts", "lint", good)
    assert done.status == 0
    assert done.out.startswith("3 prompts: nothing found\nLengths were not compared")
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"cat": ["Write a prompt about a cat"], "dog": ["a cat and a dog"]}))
    done = call("prompts", "lint", bad)
    assert done.status == 2
    assert "error: cat 0: an instruction" in done.out
    assert "warning: dog 0: also names cat" in done.out
    assert done.err == f"synthmix: {bad}: 1 of 2 prompts cannot be used.\n"
    assert "none.json does not exist" in one_line(call("prompts", "lint", tmp_path / "none.json"))


def test_prompts_are_counted_in_a_models_tokens(call: Call, tmp_path: Path) -> None:
    model = pipelines.sdxl(tmp_path)
    file = tmp_path / "long.json"
    file.write_text(json.dumps({"cat": ["a cat " * 40 + "on the grass"]}))
    found = json.loads(call("prompts", "lint", file, "--model", model, "--json").out)
    assert {each["kind"] for each in found} == {"cut"}
    assert "tokenizer_2 reads 75" in found[1]["message"]


def test_a_model_that_cannot_be_fetched_is_one_line(call: Call) -> None:
    assert "cannot be fetched" in one_line(call("weights", "fetch", "stabilityai/sdxl-turbo"))


def test_train_runs_one_arm_at_one_seed(call: Call, tmp_path: Path) -> None:
    study = write_study(tmp_path, seeds=2, synthetic={}, training={"steps": 2, "batch_size": 8})
    done = call("train", study, "--arm", "real", "--seed", 1, "--quiet")
    assert done.out.startswith(str(tmp_path / "out" / "runs" / "real-seed1-"))
    assert len(list((tmp_path / "out" / "runs").glob("real-*"))) == 1


def test_doctor_in_json_is_nothing_but_json(call: Call) -> None:
    assert {"system", "packages", "hardware"} <= set(json.loads(call("doctor", "--json").out))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "Out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "Out of memory"),
        (OSError(28, "No space left on device"), "No space left on the device"),
        (PermissionError(13, "Permission denied", "/x/y"), "/x/y: Permission denied"),
    ],
)
def test_what_the_machine_refuses_is_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("synthmix.study.config.file.read", refuse)
    assert words in one_line(call("plan", "study.yaml"))


@pytest.mark.parametrize(("number", "processes"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_stopped_study_says_so_in_one_line_and_leaves_nobody(
    tmp_path: Path, number: signal.Signals, processes: int
) -> None:
    endless = {"steps": 10**6, "batch_size": 16}
    engine = {"use": "local", "processes": processes}
    study = write_study(tmp_path, synthetic={}, training=endless, engine=engine)
    code = (
        "import os, signal, sys, threading, time\n"
        "from pathlib import Path\n"
        "def stop():\n"
        f"    while not list(Path({str(tmp_path / 'out' / 'runs')!r}).glob('*/progress/*.json')):\n"
        "        time.sleep(0.1)\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=stop, daemon=True).start()\n"
        "    from synthmix.cli.main import STOPPING, main\n"
        f"    sys.argv = ['synthmix', 'run', {str(study)!r}, '--quiet']\n"
        "    main()\n"
    )
    script = tmp_path / "stopped.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == "synthmix: interrupted; run the same command again to go on.\n"
    assert done.returncode == 128 + number


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "s3://bucket/study.yaml"],
        ["generate", "--generator", "flow", "--output", "s3://bucket/out"],
        ["generate", "--generator", "flow", "--output=gs://bucket/out"],
        ["export", "out", "s3://bucket/x"],
        ["report", "https://host/results"],
        ["prompts", "write", "class-labels", "s3://b/p.jsonl", "--classes", "cat,dog"],
    ],
    ids=" ".join,
)
def test_an_address_is_no_path(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(*words)
    assert done.status == 2
    assert "is an address; paths are local here" in done.err
    assert list(tmp_path.iterdir()) == []


def test_an_output_in_object_storage_is_refused(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = tmp_path / "study.yaml"
    study.write_text("name: far\nreal: {use: digits}\noutput: s3://bucket/far\n")
    for words in (["run", study], ["plan", study, "--set", "output=az://c/x"]):
        done = call(*words)
        assert done.status == 2
        assert "'output': must be the path of a local folder; object storage is not" in done.err
    assert list(tmp_path.iterdir()) == [study]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of another finished study, of other name and images."""
    folder = tmp_path_factory.mktemp("others")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        run(load(write_study(folder, seeds=1, seed=9, name="other")))
    return folder


def test_results_of_another_study_are_not_shown(
    call: Call, finished: Path, others: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    shutil.copy(others / "out" / "results.json", output)
    said = one_line(call("report", output))
    assert f"{output}/results.json belongs to the study 'other' (" in said
    assert f"synthmix evaluate --replace {output}" in said
    done = call("evaluate", output)
    assert done.status == 1
    assert "The stored results belong to another study, 'other' (" in done.out
    assert call("evaluate", "--replace", output).status == 1
    assert call("report", output).status == 0
    expected = (finished / "out" / "results.json").read_bytes()
    assert (output / "results.json").read_bytes() == expected


def test_results_are_held_against_early_settings_too(
    call: Call, finished: Path, others: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    held = json.loads((output / "resolved.json").read_text())
    assert held.pop("study_fingerprint")
    del held["digest"]
    (output / "resolved.json").write_text(json.dumps(held))
    assert call("report", output).status == 0
    shutil.copy(others / "out" / "results.json", output)
    assert "belongs to the study 'other' (" in one_line(call("report", output))


def test_results_of_another_version_are_replaced_and_shown(
    call: Call, finished: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    for name in ("resolved.json", "results.json", "study.yaml"):
        text = (output / name).read_text()
        mine = json.loads((finished / "out/results.json").read_text())["study_fingerprint"]
        (output / name).write_text(text.replace(mine, "0" * 16))
    for name in ("resolved.json", "results.json"):
        held = json.loads((output / name).read_text())
        (output / name).write_text(json.dumps(signed(held)))
    asked = load(output / "study.yaml").asked
    (output / "study.yaml").write_bytes(study_copy.text_of(asked, "0" * 16))
    for name in ("samples.npz", "timing.json"):
        (output / name).unlink()
    assert call("report", output).status == 0
    done = call("evaluate", "--replace", output)
    assert "belong to another version of this study, 'small' (0000000000000000)." in done.out
    assert call("report", output).status == 0
    assert call("status", output).status == 0


@pytest.mark.parametrize("name", ["samples.npz", "timing.json"])
def test_what_a_page_shows_beside_results_is_its_own_studys(
    call: Call, finished: Path, others: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    for damage in (
        lambda: shutil.copy(others / "out" / name, output),
        lambda: (output / name).write_text("{"),
    ):
        damage()
        said = one_line(call("report", output))
        assert f"{output}/{name}" in said
        assert f"`synthmix evaluate {output}` writes it anew" in said
        assert call("evaluate", output).status == 0
        assert call("report", output).status == 0


@pytest.mark.parametrize("command", ["evaluate", "status", "plan"])
@pytest.mark.parametrize("name", ["study.yaml", "resolved.json"])
def test_a_study_file_of_another_output_is_refused(
    call: Call, finished: Path, others: Path, tmp_path: Path, command: str, name: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    shutil.copy(others / "out" / name, output)
    said = one_line(call(command, output))
    assert f"{output}/study.yaml is not the study file of '" in said
    assert "`synthmix run` with the study's own file writes both anew" in said


def test_damaged_results_are_told_with_what_to_do(
    call: Call, finished: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    for text in ("{", "[]", '{"schema": 1}', '{"schema": 1, "arms": [], "class_names": 3}'):
        (output / "results.json").write_text(text)
        assert f"`synthmix evaluate --replace {output}` computes it anew" in one_line(
            call("report", output)
        )
    assert call("evaluate", "--replace", output).status == 1
    assert call("report", output).status == 0


@pytest.mark.parametrize(
    ("number", "name", "said"),
    [
        (errno.EROFS, "tables/.arms.csv.5b-1-c5.tmp", "tables is a folder where nothing can be"),
        (errno.EACCES, "tables/.arms.csv.5b-1-c5.tmp", "written (Permission denied)."),
        (errno.EEXIST, "lost", "lost is a link to nowhere, which is not there: mount or make it."),
        (errno.ENOENT, "other", "other: No such file or directory."),
    ],
)
def test_a_file_that_the_machine_refuses_is_called_by_a_name_of_the_users(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
    number: int,
    name: str,
    said: str,
) -> None:
    (tmp_path / "lost").symlink_to("nowhere")

    def refuse(folder: Path) -> Path:
        raise OSError(number, os.strerror(number), str(tmp_path / name))

    monkeypatch.setattr("synthmix.report.write", refuse)
    answer = call("report", str(tmp_path))
    assert answer.status == 2
    assert said in answer.err
    assert ".tmp" not in answer.err
