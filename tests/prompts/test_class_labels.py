"""The sentence with the class's name."""

import pytest

from synthmix.errors import SettingError
from synthmix.prompts.class_labels import ClassLabels, article

AN = (
    "airplane automobile ice_cream hourglass honest heirloom umbrella uncle urn usher uninvited egg"
)
A = "bird horse unicorn user uniform European ewe one-way ukulele utensil uranium house 3 honey"


@pytest.mark.parametrize("name", AN.split())
def test_vowel_sounds_take_an(name: str) -> None:
    assert article(name) == "an"


@pytest.mark.parametrize("name", A.split())
def test_other_sounds_take_a(name: str) -> None:
    assert article(name) == "a"


def test_the_name_stands_with_its_article_and_without_underscores() -> None:
    written = ClassLabels().write(("ice_cream", "Unicorn"), 2, seed=0)
    assert [each.text for each in written] == [
        "A photo of an ice cream",
        "A photo of a Unicorn",
    ] * 2


def test_a_template_may_repeat_and_escape() -> None:
    (written,) = ClassLabels(template="{{{name}}}: {name}").write(("cat",), 1, seed=0)
    assert written.text == "{cat}: cat"
    assert written.source == {"template": "{{{name}}}: {name}"}


@pytest.mark.parametrize("name", ["nam", "0", "", "name.__class__", "name[0]"])
def test_an_unknown_placeholder_is_named(name: str) -> None:
    with pytest.raises(SettingError) as info:
        ClassLabels(template=f"A {{{name}}} and {{name}}")
    assert f"template has no placeholder '{{{name}}}'" in str(info.value)
    assert "Known: article, name." in str(info.value)


@pytest.mark.parametrize("template", ["A {name", "A } {name}", "{name!}"])
def test_a_broken_template_is_shown(template: str) -> None:
    with pytest.raises(SettingError, match="template is not a valid template"):
        ClassLabels(template=template)


@pytest.mark.parametrize("template", ["{name:d}", "{name!x}", "{name:{article}}"])
def test_a_name_is_not_formatted_further(template: str) -> None:
    with pytest.raises(SettingError, match="write it as"):
        ClassLabels(template=template)


def test_a_template_without_the_name_is_refused() -> None:
    with pytest.raises(SettingError, match=r"template must contain \{name\}, .* got 'A photo'"):
        ClassLabels(template="A photo")
