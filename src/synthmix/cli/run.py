"""synthmix run: everything that is missing of a study, then its report."""

from synthmix.cli._options import (
    Json,
    Quiet,
    Set,
    StudyFile,
    load_study,
    say,
    say_json,
    say_verdict,
    watch,
)


def command(study: StudyFile, changes: Set = [], quiet: Quiet = False, json: Json = False) -> None:  # noqa: B006
    """Run a study to its report. To resume after any interruption, run the same command again."""
    loaded = load_study(study, changes)
    from synthmix.study.running.runner import run

    report = run(loaded, watch(quiet or json))
    if json:
        from synthmix.store import read_json

        say_json(read_json(loaded.output / "results.json"))
        return
    say_verdict(loaded.output / "results.json")
    say(f"Report: {report.absolute()}")
