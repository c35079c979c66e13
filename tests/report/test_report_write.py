"""What lands on disk: files, tables, equal bytes, size, and errors in one line."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from synthmix import report
from synthmix.cli.report import command
from synthmix.errors import ArtifactError, DataError
from synthmix.report import tables

LIMIT = 10_000_000


def _rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _change(folder, change, name="results.json"):
    path = folder / name
    results = json.loads(path.read_text())
    change(results)
    path.write_text(json.dumps(results))


def test_writes_the_page_the_figures_and_the_tables(study):
    written = set(_digests(study)) - {"results.json", "samples.npz", "timing.json"}
    arms = ["flow-0.5", "flow-1", "copy-0.5", "copy-1"]
    expected = {"report.html", "figures/accuracy.svg", "figures/accuracy-narrow.svg"}
    expected |= {f"figures/confusion-{arm}.svg" for arm in ["real", *arms]}
    expected |= {f"figures/confusion-difference-{arm}.svg" for arm in arms}
    expected |= {f"figures/per-class-{arm}.svg" for arm in arms}
    expected |= {name.replace(".svg", ".png") for name in expected if name.endswith(".svg")}
    expected |= {f"figures/images-{source}.png" for source in ("real", "flow", "copy")}
    expected |= {f"tables/{name}.csv" for name in ("arms", "runs", "per_class", "confusion")}
    assert written == expected


def test_results_are_not_touched(tmp_path, make_study):
    folder = make_study(tmp_path, sources=("flow",))
    before = _digests(folder)
    assert report.write(folder) == folder / "report.html"
    assert before.items() <= _digests(folder).items()


def test_bytes_repeat_whatever_the_hash_seed(tmp_path, make_study):
    script = "import sys, pathlib, synthmix.report as r; r.write(pathlib.Path(sys.argv[1]))"
    digests = []
    for seed in ("1", "2"):
        folder = make_study(tmp_path / f"seed-{seed}", sources=("flow",), ratios=(0.5,))
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run(
            [sys.executable, "-W", "error", "-c", script, folder], check=True, env=environment
        )
        digests.append(_digests(folder))
    assert digests[0] == digests[1]


def test_no_torch_and_no_pyplot_are_imported():
    script = (
        "import sys, synthmix.report\n"
        "own = {name.split('.')[1] for name in sys.modules if name.startswith('synthmix.')}\n"
        "heavy = {'torch', 'torchvision', 'timm', 'sklearn', 'scipy'} & set(sys.modules)\n"
        "print(sorted(own), sorted(heavy), 'matplotlib.pyplot' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (
        answer.stdout
        == "['aside', 'belonging', 'errors', 'files', 'records', 'report', 'results', 'store', "
        "'types'] [] False\n"
    ), answer.stderr


def test_global_matplotlib_settings_stay(tmp_path, make_study):
    import matplotlib

    matplotlib.rcParams["axes.labelpad"] = 17
    try:
        before = dict(matplotlib.rcParams)
        report.write(make_study(tmp_path / "odd", ratios=(0.5,), sources=("flow",)))
        assert dict(matplotlib.rcParams) == before
    finally:
        matplotlib.rcParams["axes.labelpad"] = matplotlib.rcParamsDefault["axes.labelpad"]
    report.write(make_study(tmp_path / "plain", ratios=(0.5,), sources=("flow",)))
    assert _digests(tmp_path / "odd") == _digests(tmp_path / "plain")


def test_arms_table_holds_the_stored_numbers(study):
    results = json.loads((study / "results.json").read_text())
    for arm, row in zip(results["arms"], _rows(study / "tables/arms.csv"), strict=True):
        assert row["arm"] == arm["name"]
        assert float(row["accuracy"]) == arm["scores"]["accuracy"]["mean"]
        assert float(row["brier_high"]) == arm["scores"]["brier"]["high"]
        stored = arm["difference"] and arm["difference"]["accuracy"]["low"]
        assert row["difference_low"] == ("" if stored is None else str(stored))


def test_confusion_table_gives_back_the_counts(study):
    results = json.loads((study / "results.json").read_text())
    names = results["class_names"]
    counts = np.zeros((5, 3, 10, 10), dtype=int)
    arms = [arm["name"] for arm in results["arms"]]
    for row in _rows(study / "tables/confusion.csv"):
        pair = names.index(row["true_class"]), names.index(row["predicted_class"])
        counts[arms.index(row["arm"]), int(row["seed"]), *pair] = int(row["count"])
    assert counts.tolist() == [[r["confusion"] for r in arm["runs"]] for arm in results["arms"]]


def test_runs_and_classes_have_a_row_each(study):
    assert len(_rows(study / "tables/runs.csv")) == 5 * 3
    rows = _rows(study / "tables/per_class.csv")
    assert len(rows) == 5 * 10
    assert {row["difference"] for row in rows if row["arm"] == "real"} == {""}


def test_svg_files_are_well_formed_and_undated(study):
    for path in (study / "figures").glob("*.svg"):
        ElementTree.parse(path)
        assert "dc:date" not in path.read_text()


def test_png_files_show_the_figures_undated(study):
    for path in (study / "figures").glob("*.svg"):
        with Image.open(path.with_suffix(".png")) as image:
            assert image.info.keys() <= {"dpi"}
            root = ElementTree.parse(path).getroot()
            inches = [
                float(root.attrib[side].removesuffix("pt")) / 72 for side in ("width", "height")
            ]
            assert image.size == pytest.approx([160 * each for each in inches], abs=1)
            assert len(image.convert("RGB").getcolors(1 << 20)) > 20


def test_sprites_hold_the_samples(study):
    with np.load(study / "samples.npz") as samples:
        pixels = samples["flow"]
    sheet = np.asarray(Image.open(study / "figures/images-flow.png"))
    assert np.array_equal(sheet[2 * 8 : 3 * 8, 5 * 8 : 6 * 8], pixels[2, 5])


def test_a_large_study_stays_below_ten_megabytes(tmp_path, make_study):
    folder = make_study(
        tmp_path,
        num_classes=60,
        num_seeds=2,
        sources=("flow", "copy", "third", "fourth"),
        ratios=(0.2, 0.6, 1.0),
        test_per_class=10,
        image_size=32,
    )
    rng = np.random.default_rng(0)  # noise: the images that compress worst
    noise = rng.integers(0, 256, (60, 8, 32, 32, 3), dtype=np.uint8)
    np.savez(folder / "samples.npz", **dict.fromkeys(("real", "flow", "copy", "third"), noise))
    page = report.write(folder)
    assert page.stat().st_size < LIMIT
    assert (folder / "figures/images-third.png").exists()


@pytest.mark.parametrize("count", [129, 260])
def test_very_many_classes_are_summed_in_blocks(count):
    from synthmix.report import matrices

    matrix = np.random.default_rng(0).dirichlet(np.ones(count), size=count)
    small = matrices.blocks(matrix)
    assert len(small) <= matrices.MAX_SIDE
    assert np.allclose(small.sum(axis=1), 1)


def test_no_results_names_the_command(tmp_path):
    with pytest.raises(ArtifactError, match=r"no results\.json: `synthmix run STUDY` makes it"):
        report.write(tmp_path)


@pytest.mark.parametrize("text", ["{", "", "[1]", '{"schema": 99}', "\xff"])
def test_damaged_results_are_an_artifact_error(tmp_path, text):
    (tmp_path / "results.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ArtifactError) as raised:
        report.write(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("arms"), "lacks the entry 'arms'"),
        (lambda r: r["arms"][1]["scores"].pop("accuracy"), "lacks the entry 'accuracy'"),
        (lambda r: r.update(baseline="none"), "the baseline 'none' is not an arm"),
        (lambda r: r["arms"][1]["runs"][0].update(confusion=[[1]]), "unexpected value"),
        (lambda r: r["arms"][1]["runs"][0].update(confusion=[[10**30]]), "unexpected value"),
        (lambda r: r["arms"][0].update(runs=[]), "unexpected value"),
        (lambda r: r["arms"][1].update(name="real"), "two arms have the same name"),
        (lambda r: r.update(arms=3), "unexpected value"),
    ],
)
def test_wrong_entries_are_a_data_error(tmp_path, make_study, change, message):
    _change(make_study(tmp_path, ratios=(0.5,)), change)
    with pytest.raises(DataError, match=message) as raised:
        report.write(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("results.json", lambda r: r.update(training="x")),
        ("results.json", lambda r: r.update(synthetic=[])),
        ("results.json", lambda r: r.update(verdict={"arms": []})),
        ("timing.json", lambda r: r.update(total_seconds="a")),
    ],
)
def test_edited_files_are_one_line_for_whoever_asks_for_the_report(
    tmp_path, make_study, name, change
):
    _change(make_study(tmp_path, ratios=(0.5,)), change, name)
    with pytest.raises(DataError, match="holds results that cannot be shown") as raised:
        command(tmp_path)
    assert "\n" not in str(raised.value)


def test_damaged_samples_are_an_artifact_error(tmp_path, make_study):
    (make_study(tmp_path, ratios=(0.5,)) / "samples.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ArtifactError, match=r"samples\.npz cannot be read"):
        report.write(tmp_path)


def test_misshapen_samples_are_a_data_error(tmp_path, make_study):
    folder = make_study(tmp_path, ratios=(0.5,))
    np.savez(folder / "samples.npz", real=np.zeros((3, 8, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match=r"'real' is uint8 \[3, 8, 8, 8, 3\]"):
        report.write(folder)


def test_no_cell_is_a_formula_or_steers_a_terminal():
    cells = ["=HYPERLINK(1)", "+1", "-a", "@x", "\tx", "a\x1b[2J", "plain", -0.5, None]
    (row,) = csv.reader(io.StringIO(tables.text([cells])))
    assert row[:4] == ["'=HYPERLINK(1)", "'+1", "'-a", "'@x"]
    assert row[5:] == [r"a\x1b[2J", "plain", "-0.5", ""]
