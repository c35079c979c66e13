"""What a study's arms draw: splits kept apart, equal arms merged, supply not used up early."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.controls import KINDS
from synthmix.images import mark
from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from tests.study.test_golden import write_made


def workspace(**changes: Any) -> Workspace:
    flow = {"generator": {"use": "flow"}, "per_class": 10}
    study = {"name": "w", "real": {"use": "digits"}, "synthetic": {"one": flow, "two": flow}}
    study["controls"] = False
    return Workspace(resolve({**study, "mixing": {"use": "replace", "total": 60}, **changes}))


def test_arms_that_draw_the_same_are_one() -> None:
    near = {"use": "replace", "total": 60, "ratios": [0.5, 0.501, 1]}
    names = [arm.name for arm in workspace(mixing=near).arms()]
    assert names == ["real", "one@0.5", "one@1", "two@0.5", "two@1"]


def test_validation_images_are_never_trained_on() -> None:
    found = workspace(seeds=2)
    held_back = set(found.validation_rows.tolist())
    assert len(held_back) == round(0.1 * len(found.train))
    for run in range(2):
        assert not held_back & set(found.pool_rows(run).tolist())
        for arm in found.arms():
            assert not held_back & set(found.mixture(arm, run).real.tolist())


def test_the_validation_split_belongs_to_the_study_seed() -> None:
    assert np.array_equal(workspace().validation_rows, workspace(seeds=5).validation_rows)
    assert not np.array_equal(workspace().validation_rows, workspace(seed=1).validation_rows)


def test_every_arm_draws_real_images_from_its_seeds_pool() -> None:
    found = workspace()
    for arm in found.arms():
        assert set(found.mixture(arm, 1).real.tolist()) <= set(found.pool_rows(1).tolist())


def test_pools_of_different_seeds_are_disjoint() -> None:
    found = workspace()
    assert not set(found.pool_rows(0).tolist()) & set(found.pool_rows(1).tolist())


def test_adding_seeds_changes_no_earlier_run() -> None:
    few, many = workspace(seeds=3), workspace(seeds=5)
    for arm in few.arms():
        assert np.array_equal(few.mixture(arm, 2).real, many.mixture(arm, 2).real)


def test_a_name_holds_everything_that_its_content_depends_on(tmp_path: Path) -> None:
    """Runs: the labels that deranging gives the same rows, and the images held back; sets: form."""
    made = {"made": {"images": {"use": "array", "path": str(write_made(tmp_path / "made.npz"))}}}
    kept = {"leave_out": [kind for kind in KINDS if kind != "deranged-labels"]}
    found = workspace(synthetic=made, controls=kept, mixing=SHARED_ROWS)
    arms = {arm.name: arm for arm in found.arms()}
    plain, deranged = (found.run_artifact(arms[name], 0).settings for name in TWINS)
    assert {key for key in plain if plain[key] != deranged[key]} == {"labels"}
    more = workspace(synthetic=made, controls=kept, mixing=SHARED_ROWS, seed=0, validation=0.2)
    assert mark(more.validation_rows) in str(more.run_artifact(arms[TWINS[0]], 0).settings)
    small, whole = (
        workspace(
            synthetic={"one": {"generator": {"use": "flow"}, "per_class": 10, "keep_original": k}}
        )
        for k in (False, True)
    )
    sets = [each.synthetic_artifact(each.study.set_named("one"), 0) for each in (small, whole)]
    assert sets[0].fingerprint != sets[1].fingerprint


SHARED_ROWS = {"use": "replace", "total": 60, "ratios": [0.5]}
TWINS = ("made@0.5", "made@0.5-deranged-labels")


def test_controls_are_on_unless_left_out() -> None:
    kinds = {arm.control for arm in workspace(controls=True).arms()}
    assert kinds == {None, *KINDS}
    fewer = workspace(controls={"leave_out": ["real-curve", "half-steps"]})
    assert {arm.control for arm in fewer.arms()} == {None, *KINDS} - {"real-curve", "half-steps"}


def test_two_controls_have_recipes_of_their_own() -> None:
    found = workspace(controls=True)
    recipes = {arm.name: found.recipe(arm) for arm in found.arms()}
    assert recipes["real-half-steps"] == replace(recipes["real"], steps=500)
    strong = recipes["real-15-strong-augmentation"]
    assert (strong.crop, strong.cutout, strong.jitter) == (2, 4, 0.4)
    others = {arm.name: arm for arm in found.arms() if arm.control not in CHANGED}
    assert {recipes[name] for name in others} == {recipes["real"]}


CHANGED = ("half-steps", "strong-augmentation")
