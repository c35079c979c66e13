"""The command line: what it prints where, its exit status, and its flags."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main

from synthmix.cli.main import app, main
from synthmix.study import load, run
from tests.study.test_reliability import STUDY, write_study

FLAGS = {
    "run": ["--set", "--quiet", "-q", "--json"],
    "plan": ["--set", "--measure", "--no-measure", "--json"],
    "status": ["--set", "--json"],
    "generate": [
        *("--only", "--generator", "--real", "--per-class", "--output"),
        *("--set", "--quiet", "-q", "--json"),
    ],
    "train": ["--arm", "--seed", "--set", "--quiet", "-q", "--json"],
    "evaluate": ["--json"],
    "report": [],
    "export": ["--format"],
    "list": ["--json"],
    "doctor": ["--json"],
}
FAMILIES = ["data", "prompts", "generators", "mixing", "metrics", "engines"]
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

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield called
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


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
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
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
    done = call(command, "--help")
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
    assert {"name", "kind", "default", "help"} == set(settings[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "generator"], "Did you mean 'generators'?"),
        (["list", "generators", "flwo"], "Did you mean 'flow'?"),
        (["run", "nowhere.yaml"], "There is no study file nowhere.yaml."),
        (["evaluate", "nowhere"], "holds no study.yaml"),
        (["report", "nowhere"], "has no results.json"),
        (["export", "nowhere", "out"], "is no finished synthetic set"),
        (["generate"], "needs a STUDY or --generator NAME"),
        (["generate", "--generator", "flwo"], "Did you mean 'flow'?"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(call: Call, words: list[str], message: str) -> None:
    assert message in one_line(call(*words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--set", "seeds"], "--set takes KEY=VALUE"),
        (["plan", "--set", "seeds=[1"], "--set seeds is not valid YAML"),
        (["plan", "--set", "seeds.x=1"], "'seeds' is a value"),
        (["plan", "--set", "training.stepz=1"], "Did you mean 'steps'?"),
        (["train", "--arm", "flow@0.6"], "Did you mean 'flow@0.5'?"),
        (["train", "--seed", "7"], "--seed is 7; the study's seeds are 0 to 0"),
        (["generate", "--only", "flwo"], "Did you mean 'flow'?"),
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


def test_plan_counts_and_runs_nothing(call: Call, tmp_path: Path) -> None:
    study = write_study(tmp_path, seeds=1)
    out = call("plan", study).out
    assert "10 classes, 8 x 8 pixels" in out
    assert "30 real + 30 synthetic" in out
    plan = json.loads(call("plan", study, "--json", "--no-measure").out)
    assert [step["stage"] for step in plan["steps"]] == ["fit", "generate", *["train"] * 3]
    assert not (tmp_path / "out").exists()


def test_run_prints_its_finding_and_where_the_report_is(call: Call, finished: Path) -> None:
    done = call("run", finished / "study.yaml", "--quiet")
    assert done.status == 0
    assert f"Report: {finished / 'out' / 'report.html'}" in done.out
    assert done.err == ""
    results = json.loads(call("run", finished / "study.yaml", "--json").out)
    assert results["name"] == "small"


def test_status_tells_what_is_done(call: Call, finished: Path) -> None:
    assert "5 of 5 done." in call("status", finished / "study.yaml").out
    steps = json.loads(call("status", finished / "study.yaml", "--json").out)["steps"]
    assert {step["state"] for step in steps} == {"done"}


def test_status_lists_what_an_edit_left_behind(call: Call, finished: Path) -> None:
    done = call("status", finished / "study.yaml", "--set", "training.steps=6", "--json")
    found = json.loads(done.out)
    assert [step["state"] for step in found["steps"]].count("to do") == 3
    assert len(found["stale"]) == 3


def test_evaluate_repeats_the_results_bytewise(call: Call, finished: Path) -> None:
    path = finished / "out" / "results.json"
    before = path.read_bytes()
    path.unlink()
    assert call("evaluate", finished / "out").out == f"{path}\n"
    assert path.read_bytes() == before
    assert json.loads(call("evaluate", finished / "out", "--json").out) == json.loads(before)


def test_report_repeats_its_bytes_without_torch(finished: Path) -> None:
    path = finished / "out" / "report.html"
    before = path.read_bytes()
    path.unlink()
    code = (
        "import sys; from synthmix.cli.main import app\n"
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


def test_a_set_is_generated_without_a_study(call: Call, tmp_path: Path) -> None:
    small = {**SMALL_FLOW, "fit_steps": 2}
    changes = [f"--set=generator.{key}={value}" for key, value in small.items()]
    output = tmp_path / "made"
    words = ["generate", "--generator", "flow", "--per-class", 2, "--output", output, *changes]
    folders = json.loads(call(*words, "--json").out)
    assert [Path(each).parent for each in folders] == [output / "synthetic"]
    assert len(list(Path(folders[0], "data").glob("*.parquet"))) == 1


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

    monkeypatch.setattr("synthmix.study.file.read", refuse)
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
        "    from synthmix.cli.main import main\n"
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
