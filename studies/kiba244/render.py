"""Write docs/results/kiba244.md from results/ and with-128-units/: `python render.py`."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "results" / "kiba244.md"
UNKNOWN = "unknown"


def render(folder: Path = HERE) -> str:
    """The document, as the files in `folder` have it."""
    names = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    names.filters |= {"number": number, "signed": signed, "percent": percent, "count": count}
    old = {path.stem: _read(path) for path in sorted((folder / "with-128-units").glob("*.json"))}
    now = {
        path.stem: pd.read_csv(path, keep_default_na=False, na_values=[""]).to_dict("records")
        for path in sorted((folder / "results").glob("*.csv"))
    }
    now["summary"] = _read(folder / "results" / "summary.json")
    now["rivals"] = (folder / "results" / "rivals.md").read_text(encoding="utf-8")
    comparison = pd.read_csv(folder / "results" / "comparison.csv")
    raw = comparison[comparison["calibration"] == "raw"]
    now["mean"] = {
        score: rows.set_index("grouping")["mean"].to_dict() for score, rows in raw.groupby("score")
    }
    return names.get_template("kiba244.md.j2").render(old=old, now=now)


def number(found: Any, decimals: int = 3) -> str:
    """A number, or an estimate with its interval."""
    return _text(found, lambda value: f"{value:.{decimals}f}")


def signed(found: Any, decimals: int = 3) -> str:
    """A number or an estimate, with its sign."""
    return _text(found, lambda value: f"{value:+.{decimals}f}".replace("-", "−"))


def percent(found: Any, decimals: int = 0) -> str:
    """A share or an estimate of one, in per cent."""
    return _text(found, lambda value: f"{100 * value:.{decimals}f} %")


def count(found: Any) -> str:
    """A whole number."""
    return _text(found, lambda value: f"{round(value):,}")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _text(found: Any, write) -> str:
    if isinstance(found, dict):
        if found["value"] is None or found["low"] is None:
            return UNKNOWN
        return f"{write(found['value'])} ({write(found['low'])} to {write(found['high'])})"
    return UNKNOWN if found is None else write(found)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
