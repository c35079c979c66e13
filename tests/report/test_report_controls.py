"""Controls in the accuracy figure are told apart from mixes and stand where their mix does."""

import copy
import json
from xml.etree import ElementTree

import pytest

from synthmix.report import controls, figures
from synthmix.report.drawing import to_svg
from synthmix.results import typed as results


def _study(tmp_path, make_study, added):
    """Return a study of two mixes and these controls: (name, kind, of, num_real, accuracy)."""
    folder = make_study(tmp_path, sources=("flow",), samples=False, num_seeds=2)
    path = folder / "results.json"
    stored = json.loads(path.read_text())
    for name, kind, of, num_real, accuracy in added:
        arm = copy.deepcopy(stored["arms"][0])
        arm |= {"name": name, "control": kind, "of": of, "num_real": num_real}
        values = [accuracy, accuracy]
        arm["scores"]["accuracy"] |= {"mean": accuracy, "low": None, "high": None, "values": values}
        stored["arms"].append(arm)
    path.write_text(json.dumps(stored))
    return results.load(folder)


def _markers(drawing):
    """Return the number of markers of each group of controls in the figure's file."""
    root = ElementTree.fromstring(to_svg(drawing))
    groups = [each for each in root.iter() if each.get("id", "").startswith("control-")]
    return {
        each.attrib["id"]: sum(part.tag.endswith("use") for part in each.iter()) for each in groups
    }


def test_a_control_stands_at_the_ratio_of_the_mix_with_its_real_images(tmp_path, make_study):
    added = [
        ("real-150", "real-part", None, 150, 0.5),
        ("real-150-duplicated-real", "duplicated-real", "real-150", 300, 0.5),
        ("real-30", "real-part", None, 30, 0.5),
    ]
    study = _study(tmp_path, make_study, added)
    assert [(ratio, arm.name) for ratio, arm in controls.real_parts(study)] == [(0.5, "real-150")]
    drawing = figures.accuracy(study, "accuracy", 11.0, 4.6)
    assert _markers(drawing) == {"control-real-part": 1, "control-duplicated-real": 1}
    assert "real-150: 50.00" in drawing.titles["control-real-part"][0]


def test_real_images_alone_are_never_outside_and_other_controls_do_not_stretch_the_axis(
    tmp_path, make_study
):
    plain = figures.accuracy(_study(tmp_path / "plain", make_study, []), "accuracy", 11.0, 4.6)
    far = [("real-150-duplicated-real", "duplicated-real", "real", 300, 0.01)]
    left_out = figures.accuracy(_study(tmp_path / "far", make_study, far), "accuracy", 11.0, 4.6)
    assert _markers(left_out) == {}
    limits = [each.figure.axes[0].get_ylim() for each in (plain, left_out)]
    assert limits[0] == limits[1]
    alone = [("real-150", "real-part", None, 150, 0.01)]
    shown = figures.accuracy(_study(tmp_path / "alone", make_study, alone), "accuracy", 11.0, 4.6)
    assert _markers(shown) == {"control-real-part": 1}
    assert shown.figure.axes[0].get_ylim()[0] < 0.01


@pytest.mark.parametrize("name", ["accuracy", "accuracy-narrow"])
def test_controls_are_hollow(tmp_path, make_study, name):
    added = [("real-150", "real-part", None, 150, 0.5)]
    study = _study(tmp_path, make_study, added)
    lines = figures.accuracy(study, name, 6.0, 4.3).figure.axes[0].lines
    faces = {line.get_gid(): line.get_markerfacecolor() for line in lines}
    assert faces["control-real-part"] == "#ffffff"
    assert faces["source-0-means"] != "#ffffff"
