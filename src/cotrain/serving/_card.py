"""What a folder of models says of itself to a reader: README.md."""

import re
from html import escape

from cotrain.serving._manifest import Manifest

# What Markdown would read as more than letters.
_MARKS = re.compile(r"([\\`*_\[\]|#~])")


def card(manifest: Manifest) -> str:
    """Return the card of the models as Markdown."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("cotrain.serving"), autoescape=False,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["markdown"] = markdown
    kinds = {task.kind for task in manifest.tasks}
    scores = list(dict.fromkeys(one.score for task in manifest.tasks for one in task.test_scores))
    has_widths, label = any(task.intervals for task in manifest.tasks), manifest.label
    positive = "that the label is 1"
    if label.kind == "threshold":
        side = label.active.replace("_", " ")  # at most, at least
        positive = f"that the measured value is {side} {label.threshold:g}"
    said = {
        "binary": f"for each binary task the calibrated probability {positive}",
        "real": "for each real-valued task its value, on the scale that the table of tasks names",
    }
    return environment.get_template("card.md").render(
        manifest=manifest,
        meaning=" and ".join(text for kind, text in said.items() if kind in kinds),
        kinds=kinds,
        scores=scores,
        has_widths=has_widths,
        n_columns=5 + len(manifest.roles) + len(scores) + 2 * has_widths,
    )


def one_line(text: str) -> str:
    r"""Text without line breaks and control characters.

    >>> one_line("a\n  b\x1b[2J")
    'a b [2J'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())


def markdown(text: str) -> str:
    r"""Text as it is in Markdown, within a line or a cell of a table.

    >>> print(markdown("<b>|*"))
    &lt;b&gt;\|\*
    """
    return _MARKS.sub(r"\\\1", escape(one_line(text), quote=False))
