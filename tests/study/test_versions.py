"""Which libraries made a study's runs, and that a change between runs is said."""

import torch

from synthmix import versions


def test_one_version_of_each_library_is_told_without_a_word() -> None:
    here = versions.here("cpu")
    assert torch.__version__.startswith(here["torch"])
    assert versions.joined([{"versions": here}, {"versions": here}, {}]) == here
    assert versions.differing(here) == []


def test_runs_of_several_versions_are_said() -> None:
    made_with = versions.joined(
        [{"versions": {"torch": each, "numpy": "2.4.0"}} for each in ("2.15.0", "2.14.1", "2.15.0")]
    )
    assert made_with == {"torch": "2.14.1, 2.15.0", "numpy": "2.4.0"}
    (told,) = versions.differing(made_with)
    assert "several versions of torch (2.14.1, 2.15.0):" in told


def test_a_manifest_that_was_edited_tells_no_versions() -> None:
    assert versions.joined([{"versions": [1]}, {"versions": {"torch": "2.14.1"}}]) == {
        "torch": "2.14.1"
    }
