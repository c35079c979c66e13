"""synthmix report: the HTML page, figures and tables, remade from results.json."""

from synthmix.cli._options import Json, ResultsFolder, results_folder, say, say_json, say_verdict
from synthmix.errors import DataError


def command(folder: ResultsFolder, json: Json = False) -> None:
    """Remake the report of a results folder; needs neither torch nor the images."""
    from jinja2 import TemplateError

    from synthmix.report import write

    folder = results_folder(folder)
    try:
        page = write(folder)
        if json:
            say_json({"report": str(page)})
            return
        say(str(page))
        say_verdict(folder / "results.json")
    except (LookupError, TypeError, AttributeError, ValueError, TemplateError) as error:
        # anybody may have edited these files, or another version written them
        raise DataError(
            f"{folder} holds results that cannot be shown ({type(error).__name__}: {error}): "
            f"`synthmix evaluate {folder}` compares them with the stored predictions."
        ) from error
