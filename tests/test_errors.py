import pytest

from synthmix.errors import counted


@pytest.mark.parametrize(
    ("number", "what", "told"),
    [
        (0, "images", "0 images"),
        (1, "images", "1 image"),
        (1200, "images", "1,200 images"),
        (1, "classes", "1 class"),
        (1, "copies of images", "1 copy of images"),
        (1, "hidden folders", "1 hidden folder"),
        (2, "hidden folders", "2 hidden folders"),
        (1, "files of other kinds (endings: .txt)", "1 file of other kinds (endings: .txt)"),
        (1, "folders that are read already", "1 folder that is read already"),
        (1, "pictures lie beside the folders", "1 picture lies beside the folders"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, what: str, told: str) -> None:
    assert counted(number, what) == told
