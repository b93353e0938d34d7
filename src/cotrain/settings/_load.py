import difflib
import reprlib
import warnings
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cotrain.exceptions import SettingsError
from cotrain.settings._models import Settings
from cotrain.settings._section import SectionError

_shown = reprlib.Repr()
_shown.maxstring = _shown.maxlong = _shown.maxother = 80
# Thousands of task names are far below; what is above has hung or filled memory.
_MOST_BYTES = 10_000_000
_MOST_VALUES = 1_000_000
_MOST_TOLD = 10


def load_settings(path: Path) -> Settings:
    """Read and check `params.yaml`.

    Raises
    ------
    SettingsError
        If the file is missing or not YAML, a key is missing, unknown or given twice, or a value
        has the wrong type or lies outside its range. The message names every wrong key.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SettingsError(f"{path}: over {_MOST_BYTES:,} bytes; these cannot be settings")
        values = read_yaml(path)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path}: not found; run this in a study's folder, or make one with `cotrain init`"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path}: not valid YAML ({error})") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    if _count(values) > _MOST_VALUES:
        what = f"its anchors (&, *) expand to more than {_MOST_VALUES:,} values"
        raise SettingsError(f"{path}: {what}; write out what is meant")
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold the sections {', '.join(_fields(Settings))}")
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        found = error.errors()
        wrong = "; ".join(_explain(problem) for problem in found[:_MOST_TOLD])
        if len(found) > _MOST_TOLD:
            wrong += f"; and {len(found) - _MOST_TOLD} more"
        raise SettingsError(f"{path}: {wrong}") from error


def read_yaml(path: Path) -> Any:
    """What a file of YAML holds, read safely; OSError, or ValueError in one line if it is none."""
    try:
        # An anchor that is set anew is allowed, and no news to the user.
        with warnings.catch_warnings(action="ignore"):
            return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, ValueError, RecursionError, AttributeError) as error:
        # ValueError: of encodings, dates that there are not, numbers of thousands of digits.
        raise ValueError(_one_line(error)) from error


def _explain(problem: Any, section: type[BaseModel] = Settings, place: tuple[Any, ...] = ()) -> str:
    """One problem in words; `section` is the class of what lies at `place`."""
    key = ".".join(_one_line(part, 77) for part in (*place, *problem["loc"]))
    match problem["type"]:
        case "extra_forbidden" | "invalid_key":
            hint = _suggestion(problem["loc"], section)
            return f"`{key}` is not a setting{hint}; remove or correct it"
        case "missing":
            return f"`{key}` is missing; add it"
        case "value_error" if isinstance(inner := problem["ctx"]["error"], SectionError):
            return "; ".join(
                _explain(each, inner.section, problem["loc"]) for each in inner.problems
            )
        case "value_error":
            return f"`{key}`: {_one_line(problem['ctx']['error'])}"
    rule = problem["msg"].removeprefix("Input should be ")
    return f"`{key}` must be {rule}, got {_shown.repr(problem['input'])}"


def _suggestion(location: tuple[Any, ...], section: Any) -> str:
    for part in location[:-1]:
        field = _fields(section).get(str(part))
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        models = (one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel))
        section = next(models, None)
    if section is None:
        return ""
    close = difflib.get_close_matches(str(location[-1]), _fields(section), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _fields(model: type[BaseModel] | None) -> dict[str, Any]:
    return {f.alias or name: f for name, f in model.model_fields.items()} if model else {}


def _one_line(said: object, most: int = 500) -> str:
    text = " ".join(str(said).split())
    return text if len(text) <= most else f"{text[:most]} ..."


def _count(values: Any) -> int:
    """How many values there are when anchors are written out; it stops where they are too many."""
    n, waiting = 0, [values]
    while waiting and n <= _MOST_VALUES:
        value = waiting.pop()
        n += 1
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value
    return n
