"""What a folder of models says of itself to a reader: README.md."""

from cotrain.serving._manifest import Manifest
from cotrain.serving._text import markdown
from cotrain.settings import LabelSettings


def card(manifest: Manifest) -> str:
    """Return the card of the models as Markdown."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("cotrain.serving"),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = markdown
    kinds = {task.kind for task in manifest.tasks}
    scores = list(dict.fromkeys(one.score for task in manifest.tasks for one in task.test_scores))
    has_widths = any(task.intervals for task in manifest.tasks)
    said = {
        "binary": f"for each binary task the calibrated probability {_positive(manifest.label)}",
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


def _positive(label: LabelSettings) -> str:
    if label.kind != "threshold":
        return "that the label is 1"
    side = "at most" if label.active == "at_most" else "at least"
    return f"that the measured value is {side} {label.threshold:g}"
