"""The page: self-contained, escaped, in order, and sensible where little was run."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from synthmix import report

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = [
    "<script>alert(1)</script>",
    "a&b \"q\" 's'",
    "$x^2$ {{7*7}}",
    "x" * 200,
    "日本語 🐈",
    "",
    "\x00\x07bell",
    "-->",
    "</style></title>",
    r"]]> $\frac$",
]


class Page(HTMLParser):
    """Collects tags, ids, links and visible text, and checks that elements nest."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.words, self.open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values else []
        self.links += [v for k, v in attributes if k in {"src", "href", "xlink:href", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag):
        return [values for name, values in self.tags if name == tag]


def _page(folder):
    return Page(report.write(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(study):
    return Page((study / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, make_study):
    folder = make_study(
        tmp_path_factory.mktemp("hostile"),
        class_names=HOSTILE,
        sources=("flow<b>&\"'", "s" * 90),
        ratios=(0.5,),
        name="<img src=x onerror=alert(1)>",
        notes=["<b>note</b>"],
        declared=["<i>declared</i>"],
    )
    return report.write(folder).read_text(encoding="utf-8")


def test_nothing_is_asked_from_elsewhere(page, study):
    assert all(link.startswith(("#", "data:")) for link in page.links)
    text = (study / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"url\((?!#|data:)", text)
    assert "@import" not in text
    assert "http:" not in re.sub(r"http://www\.w3\.org/\S+", "", text)


def test_a_policy_forbids_all_requests(page):
    policy = [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert policy[0]["content"].startswith("default-src 'none'; img-src data:;")


def test_ids_are_unique_and_every_reference_has_its_target(page):
    assert len(page.ids) == len(set(page.ids))
    targets = {link[1:] for link in page.links if link.startswith("#")}
    clips = {v["clip-path"][5:-1] for _, v in page.tags if "clip-path" in v}
    assert clips
    assert targets | clips <= set(page.ids)


def test_sections_are_in_order(page):
    sections = [values["id"] for values in page.all("section")]
    expected = ["accuracy", "arms", "confusion", "classes", "images", "calibration", "run", "time"]
    assert sections == expected


def test_the_claim_then_the_declared_sentences_come_first(page):
    claim = page.text.index("The best of 4 arms, flow@0.5, is")
    declared = page.text.index("The training budget is reduced")
    assert claim < declared < page.text.index("Accuracy against")


def test_figures_and_strips_have_texts_that_stand_for_them(page):
    assert all(svg.get("aria-label") for svg in page.all("svg"))
    strips = [v for v in page.all("span") if v.get("role") == "img"]
    assert len(strips) == 3 * 10
    assert all(strip["aria-label"] for strip in strips)


def test_every_header_cell_has_a_scope(page):
    assert all(cell.get("scope") in {"row", "col"} for cell in page.all("th"))


def test_each_point_has_a_hover_text(page):
    assert "flow@0.5, seed 1: " in page.text
    # five arms: a mean and three seeds each, in the wide and in the narrow drawing
    drawn = page.text.split("small dots are single runs")[1].split("Mean over seeds [interval]")[0]
    assert len(re.findall(r", seed \d: ", drawn)) == 2 * 5 * 3


def test_colours_of_figures_follow_the_theme(page):
    styles = [values.get("style", "") for _, values in page.tags]
    assert any("var(--ink)" in style for style in styles)
    assert not any("#1c2430" in style for style in styles)


def test_hostile_names_stay_text(hostile):
    page = Page(hostile)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not page.all("b") or all(not values for values in page.all("b"))
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[8], "<img src=x onerror=alert(1)>"):
        assert re.sub(r"\s+", " ", name) in page.text
    assert "<b>note</b>" in page.text
    assert "<i>declared</i>" in page.text
    assert "\x00" not in hostile
    assert "\x07" not in hostile


def test_one_seed_makes_no_claim(tmp_path, make_study):
    page = _page(make_study(tmp_path, num_seeds=1, sources=("flow",)))
    assert "One seed: no interval, no claim" in page.text
    assert "excludes zero, so" not in page.text


def test_one_arm_has_nothing_to_compare(tmp_path, make_study):
    page = _page(make_study(tmp_path, sources=()))
    assert "Only real can be reported" in page.text
    assert "No arm was compared with real" in page.text


def test_missing_samples_and_timing_are_said_or_left_out(tmp_path, make_study):
    page = _page(
        make_study(tmp_path, samples=False, timing=False, ratios=(0.5,), sources=("flow",))
    )
    assert "No sample images were stored" in page.text
    assert "time" not in [values["id"] for values in page.all("section")]


def test_time_is_marked_as_outside_the_checksums(page):
    assert "outside the checksums" in page.text
    assert "12.5" in page.text.split("outside the checksums")[1]


def test_ratios_of_added_images_are_counted_per_real_image(tmp_path, make_study):
    page = _page(make_study(tmp_path, mixing={"use": "add"}, ratios=(1.0, 4.0), sources=("flow",)))
    assert "Accuracy against synthetic images per real image" in page.text


def test_a_class_without_test_images_is_left_out(tmp_path, make_study):
    import json

    folder = make_study(tmp_path, ratios=(0.5,), sources=("flow",))
    results = json.loads((folder / "results.json").read_text())
    nothing = {"mean": None, "low": None, "high": None, "values": [None] * 3}
    for arm in results["arms"]:
        arm["scores"]["per_class_accuracy"][4] = nothing
        if arm["difference"]:
            arm["difference"]["per_class_accuracy"][4] = nothing
        for run in arm["runs"]:
            run["confusion"][4] = [0] * 10
    (folder / "results.json").write_text(json.dumps(results))
    assert "deer: " not in _page(folder).text


def test_images_of_large_sets_are_shrunk_not_dropped(tmp_path, make_study):
    folder = make_study(tmp_path, ratios=(0.5,), sources=("flow",))
    photo = np.zeros((10, 8, 256, 256, 3), np.uint8)
    np.savez(folder / "samples.npz", real=photo)
    assert "shown at 64 pixels" in _page(folder).text
    with Image.open(folder / "figures/images-real.png") as sheet:
        assert sheet.size == (8 * 64, 10 * 64)
