"""Components found by file name; nothing is imported before it is asked for.

`generators/stylegan_xl.py` (or the folder of that name) is the generator `stylegan-xl`, for it
defines a `Generator`; files beside it that define none are no components. A
component is a frozen dataclass; its fields are its settings and the string under each field is
its help. Other distributions add components through entry points whose group is the package's
name, for instance `synthmix.generators`.
"""

import ast
import importlib
import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar, Generic, TypeVar, cast

from synthmix.errors import (
    MissingPackage,
    SettingError,
    UnknownComponent,
    shortened,
    suggestion,
)
from synthmix.extras import install
from synthmix.yaml_text import WrittenFloat, WrittenInt, is_number

T = TypeVar("T")

AS_WRITTEN = {"coerce_numbers_to_str": True, "allow_inf_nan": False}
"""How pydantic reads settings: where text is asked, a number is the text that was written."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """What every component shares: settings as fields, and a revision of its output."""

    __pydantic_config__ = AS_WRITTEN

    output_revision: ClassVar[int] = 1
    """Raised by hand when the output for the same settings changes."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Modules that it cannot work without, where an extra of ours brings them."""

    added_later: ClassVar[tuple[str, ...]] = ()
    """Settings that came after artifacts had been named without them.

    Each is left out of names while it has its default, so that finished work keeps its name.
    """

    def settings(self) -> dict[str, Any]:
        """Return every setting by name, defaults included."""
        return {setting_name(each.name): getattr(self, each.name) for each in fields(self)}


def identity(cls: type[Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that name what comes of them: all but those that `added_later` excuses.

    A setting that is added to a class later, with a default under which the output stays what it
    was, would give everything that was finished another name. `cls` lists it in `added_later`.
    """
    later = {setting_name(each.name): default_of(each) for each in fields(cls)}
    later = {name: later[name] for name in getattr(cls, "added_later", ())}
    return {k: v for k, v in settings.items() if k not in later or v != later[k]}


def setting_name(field: str) -> str:
    """Return a field's name as users write it: `from_` is `from`, which is a word of Python's."""
    return field.removesuffix("_")


C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Setting:
    """One setting of a component, as help shows it."""

    name: str
    kind: str
    """Type and range, as in `int >= 1`."""

    is_required: bool
    default: Any
    """A value that JSON can hold; None too where the setting is required."""

    help: str

    @property
    def default_text(self) -> str:
        """The default as Python writes it, or that there is none."""
        return "required" if self.is_required else str(self.default)


class Registry(Generic[C]):
    """The components of one family: the public files beside the package's `__init__`."""

    def __init__(self, package: str, base: str) -> None:
        self.package = package
        self.base = base
        self.family = package.rpartition(".")[2]

    @property
    def noun(self) -> str:
        """The family's name for one of its members."""
        return "data source" if self.family == "data" else self.family.removesuffix("s")

    def names(self) -> list[str]:
        """List the components' names without importing any."""
        return sorted({*self._files(), *self._plugins()})

    def summary(self, name: str) -> str:
        """Return the first line of the component's docstring without importing it."""
        path = self._files().get(name)
        if path is None:
            return f"from the plug-in {self._plugins()[name].value}"
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        return text.partition("\n")[0]

    def about(self, name: str) -> str:
        """Return what the component's class says of itself, over the summary."""
        return inspect.getdoc(self.get(name)) or ""

    def get(self, name: str) -> type[C]:
        """Import one component and return its class; raises UnknownComponent or MissingPackage."""
        if name not in self.names():
            raise UnknownComponent(
                f"There is no {self.noun} '{name}'. {suggestion(name, self.names())}"
            )
        base = self.base_class()
        plugin = self._plugins().get(name)
        if plugin is not None and name not in self._files():
            return cast("type[C]", plugin.load())
        module = f"{self.package}.{name.replace('-', '_')}"
        found = self._only_subclass(_import(module), base)
        for each in found.requires:
            # found, not imported: settings are read without what they are for
            if find_spec(each) is None:
                raise _missing(module, each)
        return found

    def base_class(self) -> type[C]:
        """Return the contract of the family."""
        return cast("type[C]", getattr(importlib.import_module(self.package), self.base))

    def build(self, use: str, settings: Mapping[str, Any], *, where: str = "") -> C:
        """Return the component `use` with these settings checked against its fields."""
        try:
            found = self.get(use)
        except UnknownComponent as error:
            raise UnknownComponent(f"{where}.use: {error}" if where else str(error)) from None
        return build(found, settings, label=f"{self.noun} '{use}'", where=where)

    def _files(self) -> dict[str, Path]:
        """Return the files that define a component: public ones with a class of the family."""
        folder = Path(__file__).parent.joinpath(*self.package.split(".")[1:])
        files = [p for p in folder.glob("*.py") if not p.name.startswith("_")]
        folders = [p / "__init__.py" for p in folder.iterdir() if (p / "__init__.py").exists()]
        named = {p.stem: p for p in files} | {p.parent.name: p for p in folders}
        public = {name: path for name, path in named.items() if name[0] != "_"}
        return {k.replace("_", "-"): v for k, v in public.items() if _defines(v, self.base)}

    def _plugins(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in _entry_points() if point.group == self.package}

    @staticmethod
    def _only_subclass(module: Any, base: type[C]) -> type[C]:
        found = [
            each
            for each in vars(module).values()
            if inspect.isclass(each)
            and issubclass(each, base)
            and each.__module__ == module.__name__
            and not inspect.isabstract(each)
            and not each.__name__.startswith("_")
        ]
        assert len(found) == 1, f"{module.__name__} must define exactly one public {base.__name__}"
        return found[0]


def build(cls: type[T], settings: Mapping[str, Any], *, label: str, where: str = "") -> T:
    """Return `cls(**settings)` after checking names, presence and types.

    Raises SettingError, in one line, with the setting, the value and what would be right; `where`
    is the key in the study file that holds these settings.
    """
    # pydantic takes 0.1 s to import, which `--help` should not pay
    from pydantic import TypeAdapter, ValidationError

    assert is_dataclass(cls)
    known = {setting_name(each.name): each for each in fields(cls)}
    at = f"{where}: " if where else ""
    for name in settings:
        if name not in known:
            hint = suggestion(name, known)
            raise SettingError(f"{at}The {label} has no setting '{name}'. {hint}")
    for name, each in known.items():
        if name not in settings and each.default is MISSING and each.default_factory is MISSING:
            raise SettingError(f"{at}The {label} needs the setting '{name}'.")
    given = {known[name].name: value for name, value in settings.items()}
    try:
        built = cast("T", TypeAdapter(cls).validate_python(given))
    except ValidationError as error:
        raise SettingError(f"{at}The {label}: {explain(error, given)}") from None
    except SettingError as error:
        raise SettingError(f"{at}{error}") from None
    check_values(given, f"{at}The {label}", built)
    return built


def check_values(given: Mapping[str, Any], at: str, built: object) -> None:
    """Raise SettingError for what pydantic lets pass, anywhere in what was built from `given`.

    Those are true for a number, a number for true, numbers and text that no artifact can record,
    and the home of a user that does not exist.
    """
    for name, value, found in _leaves((), given, built):
        problem = _mistaken(value, found) or _unrecordable(found) or _homeless(name[-1], found)
        if problem:
            where = ".".join(map(setting_name, name))
            raise SettingError(f"{at}: setting '{where}': {problem}, got {_short(value)}.")


def _leaves(
    name: tuple[str, ...], given: Any, built: Any
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the name of each value that holds no other, as it was given, and what it became."""
    if isinstance(given, dict):
        for key, each in given.items():
            part = built.get(key) if isinstance(built, Mapping) else getattr(built, str(key), None)
            yield from _leaves((*name, str(key)), each, part)
    elif isinstance(given, (list, tuple)):
        parts = built if isinstance(built, (list, tuple)) else given
        for each, part in zip(given, parts, strict=False):
            yield from _leaves(name, each, part)
    else:
        yield name, given, built


def _mistaken(given: Any, built: Any) -> str | None:
    if isinstance(given, bool) and isinstance(built, (int, float)) and given is not built:
        return "must be a number"
    if isinstance(given, str) and isinstance(built, (int, float)) and not isinstance(built, bool):
        return None if is_number(given) else "must be a number in plain digits, like 50 or 0.5"
    if isinstance(built, bool) and not isinstance(given, (bool, str)):
        return "must be true or false"
    return None


def _unrecordable(value: Any) -> str | None:
    if isinstance(value, WrittenInt | WrittenFloat):  # of a component that is built later
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "must fit in 64 bits"
    if isinstance(value, str) and any(0xD800 <= ord(char) < 0xE000 for char in value):
        return "must be Unicode text"
    return None


_PATHS = ("path", "root", "output", "model", "checkpoint", "visual_genome", "tiny_vae")
"""Ends of the names of settings that may hold a path as text."""


def _homeless(name: str, value: Any) -> str | None:
    """Return what is wrong with a path like `~nobody/images`."""
    is_path = isinstance(value, Path) or (isinstance(value, str) and name.endswith(_PATHS))
    if not is_path or not str(value).startswith("~"):
        return None
    try:
        Path(value).expanduser()
    except RuntimeError:
        return f"there is no user '{str(value)[1:].partition('/')[0][:60]}'"
    return None


def explain(error: Any, given: Any) -> str:
    """Return a pydantic error's first complaint as `setting 'x': message, got value`."""
    first = error.errors(include_url=False)[0]
    name = ".".join(map(setting_name, _written(first["loc"], given)))
    if first["type"] == "missing":
        return f"the setting '{'.'.join(map(str, first['loc']))}' is missing."
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = _PLAINER.get(first["type"], message)
    if first["type"] == "string_type" and first["loc"][-1:] == ("[key]",):
        message = "a key must be text"
    setting = f"setting '{name}': " if name else ""
    return f"{setting}{message[:1].lower()}{message[1:]}, got {_short(first['input'])}."


def _written(location: Sequence[Any], given: Any) -> Iterator[str]:
    """Yield the parts of a location that a user wrote; pydantic adds the branches of a union."""
    for part in location:
        if isinstance(given, Mapping) and part in given:
            yield shortened(str(part), 60)
            given = given[part]
        elif isinstance(given, (list, tuple)) and isinstance(part, int):
            yield str(part)
            given = given[part]


_PLAINER = {
    "dict_type": "must be a group of settings, like {key: value}",
    "mapping_type": "must be a group, like {name: value}",
    "model_type": "must be a group of settings, like {key: value}",
    "tuple_type": "must be a list, like [this, that]",
    "path_type": "must be a path",
    "string_type": "input should be a valid string (text in quotes is one)",
}


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes out no integer of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def describe(cls: type[Any]) -> list[Setting]:
    """Return every setting of a component with its type, default and the string under it."""
    assert is_dataclass(cls)
    texts = field_texts(cls)
    return [
        Setting(
            setting_name(each.name),
            _kind(str(each.type)),
            each.default is MISSING and each.default_factory is MISSING,
            default_of(each),
            texts.get(each.name, ""),
        )
        for each in fields(cls)
    ]


def _kind(type_: str) -> str:
    """Return a type as people write it: `Optional[Annotated[int, Ge(ge=1)]]` is an int >= 1."""
    kind = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", type_).replace("typing.", "")
    limits = {"Ge": ">=", "Gt": ">", "Le": "<=", "Lt": "<", "MultipleOf": "a multiple of"}
    for limit, sign in limits.items():
        kind = re.sub(rf"\b{limit}\(\w+=([^)]*)\)", rf"{sign} \1", kind)
    kind = re.sub(r"Annotated\[(\w+), ([^]]*)\]", r"\1 \2", kind)
    kind = re.sub(r"Literal\[([^]]*)\]", lambda found: found[1].replace(", ", " or "), kind)
    return re.sub(r"Optional\[(.*)\]", r"\1 or None", kind).replace(" | ", " or ")


def default_of(each: Field[Any]) -> Any:
    """Return a field's default, None too where it has none."""
    if each.default_factory is not MISSING:
        return each.default_factory()
    return None if each.default is MISSING else each.default


def field_texts(cls: type[Any]) -> dict[str, str]:
    """Return the string under each field of a class and of those it inherits from."""
    texts: dict[str, str] = {}
    for each in reversed(cls.__mro__[:-1]):
        body = ast.parse(dedent(inspect.getsource(each))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, after in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
                assert isinstance(field.target, ast.Name)
                texts[field.target.id] = str(ast.literal_eval(after.value))
    return texts


@lru_cache(maxsize=1024)
def _defines(path: Path, base: str) -> bool:
    """Whether a file defines a class of this base; told without importing it."""
    wanted = rf"^class [A-Za-z]\w*\((?:[^)]*\W)?{base}\W"
    return re.search(wanted, path.read_text(encoding="utf-8"), re.MULTILINE) is not None


@lru_cache(maxsize=1)
def _entry_points() -> tuple[EntryPoint, ...]:
    # reading the metadata of everything installed takes tens of milliseconds
    found = entry_points()
    return tuple(point for group in found.groups for point in found.select(group=group))


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "synthmix":
            raise
        raise _missing(module, missing) from error


def _missing(module: str, package: str) -> MissingPackage:
    return MissingPackage(
        f"{module} needs the package '{package}'. Install it with: {install(package)}"
    )
