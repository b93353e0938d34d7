"""What a folder of models says of itself to a reader: README.md."""

from collections.abc import Sequence

from cotrain.serving._manifest import Figure, Manifest, TaskNote
from cotrain.serving._text import markdown
from cotrain.settings import LabelSettings


def card(manifest: Manifest) -> str:
    """Return the card of the models as Markdown."""
    return "\n".join(
        [
            f"# Models of {_n(len(manifest.tasks), 'task')}",
            "",
            f"`cotrain predict FOLDER examples.csv` gives {_meaning(manifest)}.",
            "",
            "## Training",
            "",
            *_training(manifest),
            "",
            "## Where to trust them",
            "",
            *_doubts(manifest),
            "",
            *_spread(manifest),
            "",
            *_applicability(manifest),
            "",
            "## Tasks",
            "",
            *_task_table(manifest),
            "",
        ]
    )


def _meaning(manifest: Manifest) -> str:
    kinds = {task.kind for task in manifest.tasks}
    label = manifest.label
    return " and ".join(
        text
        for kind, text in (
            ("binary", f"for each binary task the calibrated probability {_positive(label)}"),
            ("real", f"for each real-valued task its value{_unit(label)}"),
        )
        if kind in kinds
    )


def _positive(label: LabelSettings) -> str:
    if label.kind != "threshold":
        return "that the label is 1"
    side = "at most" if label.active == "at_most" else "at least"
    return f"that the measured value is {side} {label.threshold:g}"


def _unit(label: LabelSettings) -> str:
    signs = {
        "neg_log10": "-log10 of the measured one",
        "log10": "log10 of the measured one",
        "log10_plus_one": "log10 of 1 + the measured one",
    }
    return f" as {signs[label.transform]}" if label.transform in signs else ""


def _training(manifest: Manifest) -> list[str]:
    name = markdown(manifest.portfolio)
    if not manifest.models:
        alone = (
            f"The recommended portfolio is *{name}*: it has no model. Every task is predicted by "
            "its base rate, the share of positive labels or the mean value, whatever the example."
        )
        return [alone, "", *_data(manifest)]
    how = (
        f"The recommended portfolio is *{name}*: {_n(len(manifest.models), 'model')}, whose "
        "outputs are blended for each task by the weights below, which calibrates them too. "
        f"Trained with seed {manifest.seed}. The test scores below are not theirs: they "
        f"were measured, with other seeds, of models trained on {manifest.validated_folds} of the "
        f"{manifest.n_folds} folds. More labels should make these models better, which no label is "
        "left to measure; what is blended was also chosen at the smaller number."
    )
    return [
        how,
        "",
        *_data(manifest),
        "",
        "| model | learner | draw | folds | tasks |",
        "| --- | --- | --- | --- | --- |",
        *(
            _line(
                [
                    str(place),
                    f"{markdown(model.learner)} ({markdown(model.kind)})",
                    str(model.draw + 1),
                    f"{model.train_folds} of {manifest.n_folds}",
                    ", ".join(markdown(name) for name in model.members),
                ]
            )
            for place, model in enumerate(manifest.models, start=1)
        ),
    ]


def _data(manifest: Manifest) -> list[str]:
    return [f"Data version: {markdown(manifest.data_version)}."]


def _doubts(manifest: Manifest) -> list[str]:
    doubted = [(task.name, task.doubt) for task in manifest.tasks if task.doubt]
    if not doubted:
        return ["Each task is predicted better than by its base rate, as far as could be measured."]
    return [
        f"Do not rely on {len(doubted)} of the {len(manifest.tasks)} tasks:",
        "",
        *(f"- {markdown(name)}: {reason}" for name, reason in doubted),
    ]


def _spread(manifest: Manifest) -> list[str]:
    said = (
        "The column of a task with `spread` behind its name is how far the blended models are "
        "apart: a standard deviation, in the unit of the prediction."
    )
    if any(task.kind == "real" for task in manifest.tasks):
        said += (
            " `low` and `high` are the ends of a split conformal interval, from residuals on "
            "validation labels: as wide for every example of a task. They hold for examples like "
            "those of the study, on average over them."
        )
    return [said]


def _applicability(manifest: Manifest) -> list[str]:
    if manifest.similarity is None:
        return ["The features are the source's own: compare new rows with its table yourself."]
    low, median, high = (manifest.similarity[place] for place in (1, 10, 19))
    said = (
        "The column `similarity` of the predictions is the largest similarity to an "
        "example that was trained on. The test scores were measured on examples whose nearest "
        f"one had {low:.2f} at the 5 % mark, {median:.2f} at the median and {high:.2f} at the "
        f"95 % mark. Nothing was measured on examples much below {low:.2f}: take predictions "
        "there as guesses."
    )
    return [said]


def _task_table(manifest: Manifest) -> list[str]:
    scores = list(dict.fromkeys(found.score for t in manifest.tasks for found in t.test_scores))
    has_widths = any(task.intervals for task in manifest.tasks)
    heads = [
        "task", "kind", "labels", "positive",
        *(f"weight of {markdown(name)}" for name in manifest.roles),
        "skill",
        *(f"test {markdown(name)}" for name in scores),
        *(["90 % interval", "test labels inside"] if has_widths else []),
    ]  # fmt: skip
    rows = [_row(task, manifest.roles, scores, has_widths) for task in manifest.tasks]
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]


def _row(
    task: TaskNote, roles: Sequence[str], scores: Sequence[str], has_widths: bool
) -> list[str]:
    by_score = {found.score: found for found in task.test_scores}
    cells = [
        markdown(task.name),
        task.kind,
        str(task.n_labels),
        "" if task.n_positive is None else str(task.n_positive),
        *(f"{task.weights[role]:.2f}" for role in roles),
        "unknown" if task.skill is None else f"{task.skill:.3f}",
        *(_figure(by_score.get(score)) for score in scores),
    ]
    return cells + (_width(task) if has_widths else [])


def _width(task: TaskNote) -> list[str]:
    found = {one.coverage: one for one in task.intervals}.get(0.9)
    if task.kind == "binary":
        return ["", ""]
    if found is None or found.half_width is None:
        return ["unknown", "unknown"]
    inside = "unknown" if found.test_coverage is None else f"{found.test_coverage:.0%}"
    return [f"± {found.half_width:.3g}", inside]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _n(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _figure(found: Figure | None) -> str:
    if found is None or found.mean is None:
        return "unknown"
    if found.low is None or found.high is None:
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"
