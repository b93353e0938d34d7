"""What a folder of models says of itself to a reader: README.md."""

from cotrain.serving._manifest import Figure, Manifest, TaskNote
from cotrain.settings import LabelSettings


def card(manifest: Manifest) -> str:
    """Return the card of the models as Markdown."""
    return "\n".join(
        [
            f"# Models of {len(manifest.tasks)} tasks",
            "",
            f"`cotrain predict FOLDER molecules.csv` gives {_meaning(manifest)}.",
            "",
            "## Training",
            "",
            *_training(manifest),
            "",
            "## Where to trust them",
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
            ("binary", f"for each binary task the probability {_positive(label)}"),
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
    signs = {"neg_log10": "-log10", "log10": "log10"}
    sign = signs.get(label.transform)
    return f" as {sign} of the measured one" if sign else ""


def _training(manifest: Manifest) -> list[str]:
    how = (
        f"One network a group, trained on the labels of {manifest.train_folds} of "
        f"{manifest.n_folds} folds with seed {manifest.seed}. The scores below are not theirs: "
        "they were measured on test labels, with other seeds, of networks trained on "
        f"{manifest.validated_folds} of the folds. More labels should make these models better, "
        "which no label is left to measure; the grouping too was chosen at the smaller number."
    )
    return [
        how,
        "",
        f"Data version: `{manifest.data_version}`.",
        "",
        *(
            f"- `model-{place}.safetensors`: {', '.join(model.members)}"
            for place, model in enumerate(manifest.models, start=1)
        ),
    ]


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
    heads = ["task", "kind", "model", "labels", "positive", *(f"test {name}" for name in scores)]
    rows = [_row(task, scores) for task in manifest.tasks]
    lines = [heads, ["---"] * len(heads), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]


def _row(task: TaskNote, scores: list[str]) -> list[str]:
    by_score = {found.score: found for found in task.test_scores}
    positive = "" if task.n_positive is None else str(task.n_positive)
    cells = [task.name, task.kind, str(task.model + 1), str(task.n_labels), positive]
    return cells + [_figure(by_score.get(score)) for score in scores]


def _figure(found: Figure | None) -> str:
    if found is None or found.mean is None:
        return "unknown"
    if found.low is None or found.high is None:
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"
