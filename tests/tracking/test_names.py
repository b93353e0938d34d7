from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from cotrain.tracking._names import decode_task, encode_task, is_long, task_digest

names = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from("./:_- a1\n\\%"), max_size=12),
    st.text(min_size=150, max_size=400),
)


@given(names)
def test_any_name_makes_a_key_that_mlflow_takes_and_comes_back(task):
    key = f"val_spearman/{encode_task(task)}"
    _validate_metric_name(key)
    assert "\n" not in key
    assert ":" not in key
    assert key.count("/") == 1
    known = {task_digest(task): task} if is_long(task) else {}
    assert decode_task(encode_task(task), known) == task


@given(names, names)
def test_two_names_never_share_a_key(first, second):
    assert (encode_task(first) == encode_task(second)) == (first == second)


def test_everyday_names_stay_as_they_are():
    assert encode_task("CHEMBL4203_Ki") == "CHEMBL4203_Ki"
    assert encode_task("solubility - pH 7") == "solubility - pH 7"


def test_names_that_look_like_escapes_are_kept_apart():
    assert decode_task(encode_task(".2f."), {}) == ".2f."
    assert encode_task("/") != encode_task(".2f.")
    assert decode_task(encode_task(".." + "0" * 64 + "."), {}) == ".." + "0" * 64 + "."
