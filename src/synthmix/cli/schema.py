"""synthmix schema: what editors complete and check study files with."""

from synthmix.cli._options import say_json


def command() -> None:
    """Print the JSON schema of study files, which editors complete and check them with."""
    from synthmix.study.config.schema import schema

    say_json(schema())
