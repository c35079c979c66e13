"""synthmix weights: files of models' weights, made safe to keep and to share."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli._options import Json, say, say_json
from synthmix.errors import counted

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Files of models' weights.")

Source = Annotated[Path, typer.Argument(metavar="IN.pkl", help="A published StyleGAN-XL pickle.")]
Target = Annotated[
    Path, typer.Argument(metavar="OUT.safetensors", help="A file that does not exist yet.")
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A hub id.")]
Revision = Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Kind of files, e.g. fp16.")]
Sha256 = Annotated[str | None, typer.Option("--sha256", help="What the pickle's must be.")]


@app.callback()
def weights() -> None:
    """Files of models' weights."""


@app.command()
def fetch(
    model: Model, revision: Revision = None, variant: Variant = None, json: Json = False
) -> None:
    """Download a model's safetensors into the hub's cache; the only command that does."""
    from synthmix.hub import fetch as fetch_weights

    folder = fetch_weights(model, revision, variant)
    if json:
        say_json({"model": model, "revision": folder.name, "folder": str(folder)})
        return
    say(f"{model} at {folder.name}: {folder}")


@app.command()
def convert(source: Source, target: Target, sha256: Sha256 = None, json: Json = False) -> None:
    """Read a published pickle without running anything in it, and write safetensors."""
    from synthmix.generators.stylegan_xl.weights import convert as convert_weights

    spec = convert_weights(source, target, sha256=sha256)
    found = {
        "file": str(target),
        "img_resolution": spec.img_resolution,
        "classes": spec.mapping.c_dim,
        "layers": len(spec.layers),
        "megabytes": round(target.stat().st_size / 1e6, 1),
    }
    if json:
        say_json(found)
        return
    say(
        f"{target}: {spec.img_resolution}x{spec.img_resolution} pixels, "
        f"{counted(spec.mapping.c_dim, 'classes')}, {counted(len(spec.layers), 'layers')}, "
        f"{found['megabytes']} MB"
    )
