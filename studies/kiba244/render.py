"""Write docs/results/kiba244.md from the answers: `python render.py`.

`python render.py --check` writes nothing, and fails if the document does not say what they say.
"""

import json
import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "results" / "kiba244.md"
UNKNOWN = "unknown"


def render(folder: Path = HERE) -> str:
    """The document, as the answers in `folder` have it."""
    names = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    names.filters |= {"number": number, "signed": signed, "percent": percent, "count": count}
    names.filters["training_seconds"] = training_seconds
    answers = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "answers").glob("*/figures.json"))
    }
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return names.get_template("kiba244.md.j2").render(**answers, run=run)


def number(found: Any, decimals: int = 3) -> str:
    """A number, or an estimate with its interval."""
    return _text(found, lambda value: f"{value:.{decimals}f}")


def signed(found: Any, decimals: int = 4) -> str:
    """A number or an estimate, with its sign."""
    return _text(found, lambda value: f"{value:+.{decimals}f}".replace("-", "−"))


def percent(found: Any, decimals: int = 0) -> str:
    """A share or an estimate of one, in per cent."""
    return _text(found, lambda value: f"{100 * value:.{decimals}f} %")


def count(found: Any) -> str:
    """A whole number."""
    return _text(found, lambda value: f"{round(value):,}")


def training_seconds(seconds: dict[str, float]) -> float:
    """Seconds of the stages that train fits."""
    return sum(taken for name, taken in seconds.items() if name.startswith(("train_", "validate")))


def _text(found: Any, write) -> str:
    if isinstance(found, dict):
        if found["value"] is None or found["low"] is None:
            return UNKNOWN
        return f"{write(found['value'])} ({write(found['low'])} to {write(found['high'])})"
    return UNKNOWN if found is None else write(found)


def main() -> None:
    text = render()
    if "--check" not in sys.argv:
        DOCUMENT.write_text(text, encoding="utf-8")
    elif DOCUMENT.read_text(encoding="utf-8") != text:
        sys.exit(f"{DOCUMENT.name} does not say what the answers say; run `python render.py`")


if __name__ == "__main__":
    main()
