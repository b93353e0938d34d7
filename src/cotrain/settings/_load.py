import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cotrain.exceptions import SettingsError
from cotrain.settings._models import Settings
from cotrain.settings._section import SectionError


def load_settings(path: Path) -> Settings:
    """Read and check `params.yaml`.

    Raises
    ------
    SettingsError
        If the file is missing or not YAML, a key is missing, unknown or given twice, or a value
        has the wrong type or lies outside its range. The message names every wrong key.
    """
    try:
        values = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path}: not found; run this in a study's folder, or make one with `cotrain init`"
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid YAML ({_one_line(error)})") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold the sections {', '.join(_keys(Settings))}")
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(_explain(problem) for problem in error.errors())
        raise SettingsError(f"{path}: {wrong}") from error


def _explain(problem: Any, section: type[BaseModel] = Settings, place: tuple[Any, ...] = ()) -> str:
    """One problem in words; `section` is the class of what lies at `place`."""
    key = ".".join(str(part) for part in (*place, *problem["loc"]))
    match problem["type"]:
        case "extra_forbidden":
            hint = _suggestion(problem["loc"], section)
            return f"`{key}` is not a setting{hint}; remove or correct it"
        case "missing":
            return f"`{key}` is missing; add it"
        case "value_error" if isinstance(inner := problem["ctx"]["error"], SectionError):
            return "; ".join(
                _explain(each, inner.section, problem["loc"]) for each in inner.problems
            )
        case "value_error":
            return f"`{key}`: {problem['ctx']['error']}"
    rule = problem["msg"].removeprefix("Input should be ")
    return f"`{key}` must be {rule}, got {problem['input']!r}"


def _suggestion(location: tuple[Any, ...], section: Any) -> str:
    for part in location[:-1]:
        field = _fields(section).get(str(part))
        section = _model_of(field.annotation) if field is not None else None
    if section is None:
        return ""
    close = difflib.get_close_matches(str(location[-1]), _keys(section), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _model_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    models = (kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel))
    return next(models, None)


def _fields(model: type[BaseModel] | None) -> dict[str, Any]:
    return {f.alias or name: f for name, f in model.model_fields.items()} if model else {}


def _keys(model: type[BaseModel]) -> list[str]:
    return list(_fields(model))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
