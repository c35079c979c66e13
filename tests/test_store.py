import errno
import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix import store
from synthmix.errors import ArtifactError, DiskFull, Unfinished
from synthmix.shards import repair
from synthmix.store import Artifact, fingerprint, read_json, replacing, signed, write_json

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_fingerprints_ignore_the_order_of_keys(value: dict[str, Any]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert fingerprint(value) == fingerprint(backwards)
    assert fingerprint({**value, "more": 1}) != fingerprint({**value, "more": 2})


def write(artifact: Artifact, name: str, text: str) -> None:
    with artifact.part(name) as path:
        path.write_text(text)


def test_the_manifest_comes_last_and_names_every_part(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", {"a": 1})
    write(artifact, "data/one.txt", "one")
    assert artifact.has("data/one.txt")
    assert not artifact.is_complete
    artifact.seal(rows=1)
    assert artifact.manifest()["parts"]["data/one.txt"]["bytes"] == 3
    assert artifact.manifest()["rows"] == 1
    assert sorted(p.name for p in artifact.path.iterdir()) == ["data", "manifest.json"]


def test_a_part_without_a_record_is_not_sound(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "run", {})
    write(artifact, "known", "text")
    (artifact.path / "stray").write_text("text")
    for _ in range(2):
        assert artifact.is_sound("known")
        assert not artifact.is_sound("stray")
        artifact.seal()


def test_an_error_leaves_neither_part_nor_temporary_file(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    with pytest.raises(RuntimeError), artifact.part("x") as path:
        path.write_text("half")
        raise RuntimeError
    assert not artifact.has("x")
    assert [p for p in artifact.path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "[]", "7", "null", '{"parts": {}}', "\0", "\xff", "9" * 5000]
)
def test_a_damaged_manifest_vouches_for_nothing_and_is_put_aside(tmp_path: Path, text: str) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    write(artifact, "a", "aaaa")
    artifact.seal()
    artifact.manifest_path.write_text(text)
    assert not artifact.is_complete
    with pytest.raises(ArtifactError, match=r"manifest\.json is damaged or gone: `synthmix run`"):
        artifact.manifest()
    assert repair(artifact) == artifact.found_damaged == ["manifest.json"]
    assert (artifact.path / "damaged" / "000-manifest.json").read_text() == text
    assert not artifact.has("a")
    write(artifact, "a", "aaaa")
    artifact.seal()
    assert artifact.is_complete


def test_a_lost_manifest_is_told_from_one_that_is_to_come(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    with pytest.raises(Unfinished):
        artifact.manifest()
    write(artifact, "a", "aaaa")
    with pytest.raises(Unfinished, match="is not finished; finish it with `synthmix run STUDY`"):
        artifact.manifest()
    artifact.seal()
    artifact.manifest_path.unlink()
    with pytest.raises(ArtifactError, match="damaged or gone") as found:
        artifact.manifest()
    assert not isinstance(found.value, Unfinished)


def test_every_fact_in_a_manifest_is_vouched_for(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    write(artifact, "a", "aaaa")
    artifact.seal(class_names=["cat", "dog"], num_images=4)
    sealed = json.loads(artifact.manifest_path.read_text())
    changes: list[dict[str, Any]] = [{"class_names": ["dog", "cat"]}, {"num_images": None}]
    for change in [*changes, {"more": 1}, {"digest": 5}, {"num_images": float("nan")}]:
        artifact.manifest_path.write_text(json.dumps(sealed | change))
        assert not artifact.is_complete, change
    early = {name: value for name, value in sealed.items() if name != "digest"}
    artifact.manifest_path.write_text(json.dumps(early))
    assert artifact.is_complete


def test_a_folder_where_a_file_belongs_is_put_aside(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    write(artifact, "a", "aaaa")
    artifact.seal()
    artifact.manifest_path.unlink()
    artifact.manifest_path.mkdir()
    (artifact.manifest_path / "mine").write_text("kept")
    assert repair(artifact) == ["manifest.json"]
    assert (artifact.path / "damaged" / "000-manifest.json" / "mine").read_text() == "kept"
    (tmp_path / "b.json").mkdir()
    write_json(tmp_path / "b.json", {})
    assert (tmp_path / "b.json.aside").is_dir()
    assert read_json(tmp_path / "b.json") == {}
    (tmp_path / "c.json").mkdir()
    with pytest.raises(ArtifactError, match="c.json is a folder, not a file"):
        read_json(tmp_path / "c.json")


def test_what_is_put_aside_takes_no_name_twice(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    for text in "ab":
        write(artifact, "x", text)
        artifact.set_aside("x")
    (artifact.path / "damaged" / "000-x").unlink()
    for text in "cd":
        write(artifact, "x", text)
        artifact.set_aside("x")
    kept = {path.name: path.read_text() for path in (artifact.path / "damaged").iterdir()}
    assert kept == {"000-x": "c", "001-x": "b", "002-x": "d"}


@pytest.mark.parametrize("damage", ["truncate", "edit", "remove"])
def test_damage_is_found_and_set_aside(tmp_path: Path, damage: str) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    write(artifact, "a", "aaaa")
    write(artifact, "b", "bbbb")
    artifact.seal()
    path = artifact.path / "b"
    {"truncate": lambda: path.write_text("bb"), "edit": lambda: path.write_text("bbbc")}.get(
        damage, path.unlink
    )()
    assert artifact.damaged() == ["b"]
    kept = artifact.set_aside("b")
    assert kept.exists() == (damage != "remove")
    assert not artifact.is_complete
    assert artifact.has("a")
    assert not artifact.has("b")
    write(artifact, "b", "bbbb")
    artifact.seal()
    assert artifact.damaged() == []


def test_a_dropped_part_leaves_nothing(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    write(artifact, "a", "aaaa")
    write(artifact, "b", "bbbb")
    for _ in range(2):
        artifact.drop("b")
        assert not artifact.has("b")
        assert list(artifact.records()) == ["a"]
    assert not (artifact.path / "damaged").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_a_clear_error(tmp_path: Path, code: int) -> None:
    mend = "ulimit -f.*raise that limit" if code == errno.EFBIG else "free some space"
    with pytest.raises(DiskFull, match=mend), replacing(tmp_path / "x"):
        raise OSError(code, os.strerror(code))
    assert list(tmp_path.iterdir()) == []


def test_a_device_without_space(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(DiskFull), replacing(tmp_path / "x"), full.open("w") as file:
        file.write("x")


def test_half_a_json_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": ')
    with pytest.raises(ArtifactError, match="x.json is not valid JSON"):
        read_json(path)


def test_json_is_stable(tmp_path: Path) -> None:
    write_json(tmp_path / "x", {"b": 1, "a": [1.5, None]})
    assert json.loads((tmp_path / "x").read_text()) == {"a": [1.5, None], "b": 1}
    assert (tmp_path / "x").read_text().index('"a"') < (tmp_path / "x").read_text().index('"b"')


def _append(folder: str, number: int) -> None:
    artifact = Artifact(Path(folder), "set", 1)
    for _ in range(20):
        with artifact.locked():
            path = Path(folder) / "count"
            before = int(path.read_text()) if path.exists() else 0
            path.write_text(str(before + 1))


def test_two_processes_take_turns(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(tmp_path), n)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert int((tmp_path / "count").read_text()) == 40


def test_progress_is_readable_from_elsewhere(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "set", 1)
    assert artifact.progress() is None
    artifact.report(3, 10)
    artifact.report(4, 10)  # too soon after the last to be written
    assert Artifact(tmp_path, "set", 1).progress() == (3, 10)
    artifact.report(10, 10)
    assert artifact.progress() == (10, 10)


def test_the_time_that_killed_processes_spent_is_counted(tmp_path: Path) -> None:
    killed = Artifact(tmp_path, "set", 1)
    killed._spent = 100.0
    killed.report(3, 10)
    resumed = Artifact(tmp_path, "set", 1)
    resumed.begin()
    assert 100 <= resumed.spent() < 200
    (resumed.path / "progress" / "progress.json").write_text("[3, 10]")
    resumed.begin()
    assert resumed.spent() < 100


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    with replacing(tmp_path / "weights") as temporary:
        temporary.touch(mode=0o600)
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "weights").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("place", ["../victim.txt", "data/../../victim.txt", "/etc/hostname"])
def test_no_part_lies_outside_its_artifact(tmp_path: Path, place: str) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    artifact = Artifact(tmp_path, "run", {})
    with artifact.part("a") as path:
        path.write_text("a")
    artifact.seal()
    manifest = read_json(artifact.manifest_path)
    manifest["parts"][place] = {"bytes": 1, "sha256": "a"}
    write_json(artifact.manifest_path, signed(manifest))
    assert artifact.damaged() == ["manifest.json"]
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"bytes": "1", "sha256": "a"}', "[1]"])
def test_a_part_whose_record_is_damaged_is_made_anew(tmp_path: Path, text: str) -> None:
    artifact = Artifact(tmp_path, "run", {})
    for name in ("a", "b"):
        with artifact.part(name) as path:
            path.write_text(name)
    artifact._record("a").write_text(text)
    assert not artifact.has("a")
    assert artifact.has("b")
    assert list(artifact.records()) == ["b"]
    assert artifact.damaged() == []
    with artifact.part("a") as path:
        path.write_text("a")
    assert artifact.has("a")


@pytest.mark.parametrize(
    ("place", "process", "age", "stays"),
    [
        ("{here}-", "{dead}", 0, False),
        ("{here}-", "{own}", 0, True),
        ("{here}-", "{own}", 2, False),
        ("00000000-", "{dead}", 0, True),  # another container, which may be writing
        ("00000000-", "{dead}", 2, False),
        ("", "{dead}", 0, False),  # as earlier versions named them
    ],
)
def test_what_a_killed_process_left_is_removed_and_no_others(
    tmp_path: Path, place: str, process: str, age: int, stays: bool
) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    named = f".x.{place}{process}-01234567.tmp" if place else f".x.{process}.tmp"
    name = named.format(here=store._HERE, dead=child, own=os.getpid())
    (tmp_path / name).write_text("half")
    then = time.time() - age * 24 * 60 * 60
    os.utime(tmp_path / name, (then, then))
    with replacing(tmp_path / "x") as path:
        path.write_text("whole")
    assert (tmp_path / name).exists() == stays
    assert (tmp_path / "x").read_text() == "whole"


def test_two_writers_with_one_number_do_not_share_a_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "x") as one, replacing(tmp_path / "x") as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / "x").read_text() == "one"
