"""Values that no setting may have, made by rule: each is one line that names the key."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from commands import complaint, cotrain
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PARAMS = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
FEATURES = {
    "text": {"kind": "text", "column": "body", "method": "tfidf", "max_features": 5000, "words": 2,
             "min_examples": 3},
    "columns": {"kind": "columns", "columns": ["a"], "max_categories": 50, "min_examples": 5},
}  # fmt: skip
LEARNERS = {
    "network": PARAMS["learners"]["network"],
    "forest": {"kind": "forest", "n_trees": 100, "min_leaf": 1},
    "boosting": {"kind": "boosting", "n_trees": 150, "learning_rate": 0.1, "max_leaves": 15,
                 "min_leaf": 5, "max_features": 0.5, "l2": 1.0},
    "kernel": {"kind": "kernel", "length_scale": 0.7, "max_examples": 100},
    "linear": {"kind": "linear", "strength": 5.0},
}  # fmt: skip
HUGE = (10**10, 2**70, 10**400, -1, -(2**70))
NO_FLOATS = (1e308, math.inf, -math.inf, math.nan, -1.0)
NO_KINDS = ("much", [1], {"a": 1}, None, True)


def numbers(section: Any, place: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """The dotted name and value of every number in a section."""
    if isinstance(section, dict):
        return [found for key in section for found in numbers(section[key], (*place, key))]
    if isinstance(section, list) and section and isinstance(section[0], int):
        return [(".".join((*place, "0")), section[0])]
    is_number = isinstance(section, int | float) and not isinstance(section, bool)
    return [(".".join(place), section)] if is_number else []


def every_number() -> list[tuple[str, Any]]:
    found = [
        each
        for name in ("prepare", "train", "tune", "plan", "analyze", "group", "validate")
        for each in numbers(PARAMS[name], (name,))
        # May have any sign and size: it is in the unit of the user's values.
        if each[0] != "prepare.labels.threshold"
    ]
    for name, section in LEARNERS.items():
        found += numbers(section, ("learners", name))
    for name, section in FEATURES.items():
        found += numbers(section, (f"features:{name}",))
    return found


CASES = [
    (key, value)
    for key, usual in every_number()
    for value in (HUGE if isinstance(usual, int) else NO_FLOATS)
]
CASES += [(key, NO_KINDS[at % len(NO_KINDS)]) for at, (key, _) in enumerate(every_number())]
# Null is what these may be.
CASES = [(key, value) for key, value in CASES if (key, value) != ("learners.kernel.share", None)]


def changed(key: str, value: Any) -> tuple[dict[str, Any], str]:
    params = copy.deepcopy(PARAMS)
    params["learners"] = copy.deepcopy(LEARNERS)
    if key.startswith("features:"):
        kind, key = key.removeprefix("features:").split(".")
        params["prepare"]["features"] = copy.deepcopy(FEATURES[kind])
        key = f"prepare.features.{key}"
    *path, last = key.split(".")
    place: Any = params
    for part in path:
        place = place[part]
    place[int(last) if isinstance(place, list) else last] = value
    return params, key


def write(folder: Path, params: dict[str, Any]) -> None:
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params, file)


def refused(folder: Path) -> str:
    """The line, which is not endless; nothing is written."""
    line = complaint(cotrain(folder, "fetch"))
    assert len(line) < 1500
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]
    return line


def test_there_are_enough_of_them():
    assert len(CASES) >= 300


def test_what_is_spoiled_below_is_good(tmp_path):
    write(tmp_path, changed("plan.seed", 0)[0] | {"fetch": {"kind": "nothing"}})
    assert "kind must be one of" in refused(tmp_path)


@pytest.mark.parametrize(("key", "value"), CASES, ids=lambda value: repr(value)[:30])
def test_a_number_out_of_bounds_is_one_line(tmp_path, key, value):
    params, place = changed(key, value)
    write(tmp_path, params)
    assert f"`{place}`" in refused(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdefghi", "bcdefghij", strict=True)), "anchors (&, *) expand"),
        ("a: &a [*a]\n", "anchors (&, *) expand"),
        ("a: " + "[" * 5000, "not valid YAML"),
        (f"a: {'9' * 5000}\n", "not valid YAML"),
        ("a: 2001-99-99\n", "not valid YAML"),
        ("- a\n- b\n", "must hold the sections"),
        ("a: !!python/object:os.system x\n", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ("a" * 20_000, "must hold the sections"),
        (f"? {{a: b}}\n: {'x' * 9000}\n", "params.yaml"),
        ("{" * 200, "not valid YAML"),
        ("a: *nothing\n", "not valid YAML"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)  # fmt: skip
def test_yaml_that_is_no_settings(tmp_path, text, message):
    (tmp_path / "params.yaml").write_text(text)
    assert message in refused(tmp_path)


def test_a_file_of_settings_that_is_none(tmp_path):
    (tmp_path / "params.yaml").mkdir()
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("plan.augmentations.levels", [1, 1], "names one twice: 1, 1; remove it"),
        ("plan.augmentations.levels", [], "at least 1 item"),
        ("group.weights", {"a": 1e308}, "all others would count as 0"),
        ("group.weights", {"a": 1e-300}, "all others would count as 0"),
        ("group.weights", {"x" * 5000: -1.0}, "`group.weights.xxx"),
        ("group.max_cost", math.inf, "finite number"),
        ("prepare.features.bits", 1, "16 to"),
        ("group.must_share", [["a"]], "at least 2 items"),
        ("group.must_share", [["a", "b", "c"]], "at most 2 items"),
        ("learners", {}, "at least 1 item"),
        ("learners", LEARNERS | {"": {"kind": "forest"}}, "`learners` has one without a name"),
        ("plan.budget", "ten", "must be a time such as `10 min`, `90s` or `2 h`, got 'ten'"),
        ("plan.learner", "x" * 9000, "must be one of `learners`"),
        ("fetch", {"kind": "table", "path": "x", "layout": "wide", "id": None, "tasks": ["a", "a"]},
         "names `a` twice"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_silent_nonsense_is_refused(tmp_path, key, value, message):
    params, _ = changed(key, value)
    write(tmp_path, params)
    assert message in refused(tmp_path)
