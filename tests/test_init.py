"""`cotrain init`: a study of one's own, from nothing and from a CSV file."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import complaint, cotrain, run_stages, succeed, type_in
from molecules import properties, write_properties
from rdkit import Chem
from ruamel.yaml import YAML
from scipy import stats
from small_study import change_params

from cotrain.init._sections import _skew, _transform
from cotrain.init._sizes import choose_learners, fit_plan, fit_recipe
from cotrain.settings import load_settings

ROOT = Path(__file__).parents[1]
# A study's molecules are few: what is left to find out is whether every stage takes them.
QUICK = {
    "prepare.features.bits": 256,
    "learners.network.hidden": [16],
    "learners.network.epochs": 5,
    "learners.forest.n_trees": 30,
    "plan.subsets.repeats": 2,
    "plan.augmentations.repeats": 2,
    "plan.affinity.repeats": 1,
    "group.trials": 20,
    "validate.repeats": 2,
    "validate.random_groupings": 2,
}


def init(folder: Path, *options: object) -> str:
    return succeed(Path(), "init", str(folder), *map(str, options))


def refuse(folder: Path, *options: object) -> str:
    return complaint(cotrain(Path(), "init", str(folder), *map(str, options)))


def pipeline(folder: Path) -> dict:
    return YAML(typ="safe").load((folder / "dvc.yaml").read_text())


def test_what_is_ignored_is_no_molecule_and_folders_are_quoted(tmp_path):
    rows = "".join(f"{'C' * n},{'O' * n},{n % 2},{n // 2 % 2}\n" for n in range(1, 30))
    (tmp_path / "a.csv").write_text(f"smiles,other smiles,a,b\n{rows}")
    said = init(tmp_path / "my study", "--csv", tmp_path / "a.csv", "--ignore", "smiles")
    assert load_settings(tmp_path / "my study/params.yaml").prepare.features.column != "smiles"
    assert f"cd '{tmp_path}/my study' && dvc repro" in said


def test_a_link_that_leads_to_itself_is_told(tmp_path):
    (tmp_path / "a.csv").symlink_to(tmp_path / "a.csv")
    assert "a.csv: cannot be read (Too many levels" in refuse(
        tmp_path / "study", "--csv", tmp_path / "a.csv"
    )


@pytest.mark.parametrize(
    ("template", "name"),
    [("pipeline.yaml", "dvc.yaml"), ("params.yaml", "params.yaml"), ("dvcignore", ".dvcignore")],
)
def test_templates_are_the_repository_s_own_study(template, name):
    path = ROOT / "src/cotrain/templates" / template
    assert path.read_bytes() == (ROOT / name).read_bytes()


def test_a_study_on_the_default_data(tmp_path):
    said = init(tmp_path / "study")
    assert "dvc repro" in said
    study = tmp_path / "study"
    assert load_settings(study / "params.yaml") == load_settings(ROOT / "params.yaml")
    assert pipeline(study) == pipeline(ROOT)
    assert (study / ".dvcignore").read_bytes() == (ROOT / ".dvcignore").read_bytes()
    assert (study / ".git").is_dir()
    assert (study / ".dvc" / "config").is_file()
    assert "mlflow.db" in (study / ".gitignore").read_text()
    type_in(study, "dvc", "stage", "list")
    kept = type_in(study, "git", "ls-tree", "-r", "--name-only", "HEAD").split()
    assert {"params.yaml", "dvc.yaml", ".gitignore", ".dvcignore", ".dvc/config"} <= set(kept)
    assert type_in(study, "git", "status", "--porcelain") == ""


def test_a_study_beside_others_in_one_repository(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name in ("first", "second"):
        init(tmp_path / name)
        assert not (tmp_path / name / ".git").exists()
        assert (tmp_path / name / ".dvc").is_dir()
        assert type_in(tmp_path / name, "dvc", "root").strip() == "."


class TestCsv:
    @pytest.fixture
    def csv(self, tmp_path) -> Path:
        return write_properties(tmp_path / "mine.csv", 4, binary=True)

    @pytest.fixture
    def study(self, csv, tmp_path) -> Path:
        init(tmp_path / "study", "--csv", csv)
        return tmp_path / "study"

    def test_columns_are_found(self, study):
        settings = load_settings(study / "params.yaml")
        source = settings.fetch
        assert settings.fetch.kind == "table"
        assert settings.prepare.features.column == "smiles"
        assert source.tasks == ["lipophilicity", "refractivity", "polar surface", "weight"]
        assert (study / source.path).resolve() == (study.parent / "mine.csv").resolve()
        assert settings.prepare.labels.kind == "binary"
        assert (settings.analyze.score, settings.analyze.curve_score) == ("log_loss", "auroc")

    def test_the_file_is_a_dependency(self, study):
        assert pipeline(study)["stages"]["fetch"]["deps"] == ["../mine.csv"]

    def test_comments_are_kept(self, study):
        lines = (study / "params.yaml").read_text().splitlines()
        comments = {line.split("#", 1)[1].strip() for line in lines if "#" in line}
        expected = [line for line in (ROOT / "params.yaml").read_text().splitlines() if "#" in line]
        kept = [line.split("#", 1)[1].strip() in comments for line in expected]
        assert sum(kept) >= len(expected) - 3  # the section `fetch` gives way to another

    def test_a_learner_stands_beside_its_comment(self, study):
        text = (study / "params.yaml").read_text()
        assert "kernel: {kind: kernel, share: null} # share 0: each task by itself" in text

    def test_the_plan_fits_the_tasks(self, study):
        settings = load_settings(study / "params.yaml")
        assert settings.plan.subsets.max_size == 3
        assert settings.plan.subsets.n_subsets == 6 + 4  # all pairs and triples of four tasks
        assert settings.group.trials == 5 * 15  # each way to group four tasks, some times

    def test_real_values_are_kept_and_scored_as_such(self, tmp_path):
        csv = write_properties(tmp_path / "mine.csv", 4, binary=False)
        init(tmp_path / "study", "--csv", csv)
        settings = load_settings(tmp_path / "study" / "params.yaml")
        assert settings.prepare.labels.kind == "real"
        assert (settings.analyze.score, settings.analyze.curve_score) == ("r2", "r2")

    def test_skewed_values_get_a_logarithm(self, tmp_path):
        csv = write_properties(tmp_path / "mine.csv", 4, binary=False)
        frame = pd.read_csv(csv)
        skewed = np.exp(np.random.default_rng(0).normal(3, 2, len(frame)))
        frame["positive"], frame["with zeros"] = skewed, np.where(skewed < 3, 0, skewed)
        frame["negative"] = skewed - 5
        frame.to_csv(csv, index=False)
        init(tmp_path / "study", "--csv", csv)
        labels = load_settings(tmp_path / "study" / "params.yaml").prepare.labels
        names = ("lipophilicity", "positive", "with zeros", "negative")
        found = [labels.of(name).transform for name in names]
        assert found == ["none", "log10", "log10_plus_one", "none"]

    @pytest.mark.parametrize(("largest", "transform"), [(42, "none"), (48, "log10")])
    def test_the_skew_of_few_values_is_not_made_larger(self, largest, transform):
        values = pd.Series([1.0, 3, 6, 8, 12, 16, 20, largest])
        assert _skew(values) == pytest.approx(stats.skew(values))
        assert values.skew() > 1.5  # corrected for their number
        assert _transform("clearance", values) == transform

    @pytest.mark.parametrize(
        ("name", "transform"),
        [("CYP3A4 (uM)", "neg_log10"), ("Solubility (uM)", "log10"), ("Cmax [nM]", "log10")],
    )
    def test_of_molar_values_potencies_rise_as_they_fall_and_amounts_do_not(
        self, tmp_path, name, transform
    ):
        csv = write_properties(tmp_path / "mine.csv", 4, binary=False)
        frame = pd.read_csv(csv)
        frame[name] = np.exp(np.random.default_rng(0).normal(3, 2, len(frame)))
        frame.to_csv(csv, index=False)
        init(tmp_path / "study", "--csv", csv)
        labels = load_settings(tmp_path / "study" / "params.yaml").prepare.labels
        assert labels.of(name).transform == transform

    def test_a_column_of_molecules_with_another_name(self, csv, tmp_path):
        pd.read_csv(csv).rename(columns={"smiles": "structure"}).to_csv(csv, index=False)
        said = init(tmp_path / "study", "--csv", csv)
        assert "structure      molecules" in said
        settings = load_settings(tmp_path / "study/params.yaml")
        assert settings.prepare.features.column == settings.prepare.split.column == "structure"
        assert "which `--smiles` names" in refuse(tmp_path / "x", "--csv", csv, "--smiles", "s")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "cannot be read (No such file or directory); correct the path"),
            ("", "the file is empty; it needs a header and rows"),
            ("smiles,a,b,c,d\n", "no row below the header"),
            ("smiles,a,b,a,d\nC,1,0,1,0\n", "the column `a` stands twice in the header; rename"),
            ("smiles,a,b\nC,1,\nCC,0,\n", "at least 2 tasks, got 1 (`a`): name more by --tasks"),
            ("smiles,name\nC,methane\n", "no column of numbers or of two classes to learn"),
            ("a,b\n1,0\n0,1\n", "no column of molecules; name it by --smiles, or say what"),
        ],
    )
    def test_what_cannot_be_used_is_told_and_nothing_made(self, tmp_path, text, message):
        csv = tmp_path / "mine.csv"
        if text is not None:
            csv.write_text(text)
        assert message in refuse(tmp_path / "study", "--csv", csv)
        assert not (tmp_path / "study").exists()


def test_a_star_takes_all_columns_but_labels_and_names(tmp_path):
    rows = [
        f"k{n},{n % 4},{n % 7},{n % 3},{n % 2},{n % 5 // 4},{n % 6 // 3},{('train', 'test')[n % 2]}"
        for n in range(40)
    ]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join(["key id,field,x,y,label,a,b,split", *rows]))
    long = ("--task-column", "field", "--value-column", "label")
    for name, options, columns in (
        ("wide", ("--tasks", "a,b,label,y"), ["field", "x"]),
        ("long", long, ["x", "y", "a", "b"]),
        ("named", (*long, "--features", "columns:field,*"), ["field", "x", "y", "a", "b"]),
    ):
        init(tmp_path / name, "--csv", table, "--features", "columns:*", *options)
        settings = load_settings(tmp_path / name / "params.yaml")
        assert settings.prepare.features.columns == columns
        assert settings.learners["boosting"].kind == "boosting"  # what one would use on a table
        assert settings.learners["network"].weight_decay == 3
    everything = ("--csv", table, "--features", "columns:*")
    assert "name the tasks by --tasks" in refuse(tmp_path / "none", *everything)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--task-column", "target", "--value-column", "kind"), "`kind` is a number or a word"),
        (("--task-column", "none", "--value-column", "value"), "in `value` and a task in `none`"),
        (("--layout", "long", "--tasks", "value"), "in `value` and one of --tasks in `target`"),
        (("--tasks-by", "target", "--label", "kind"), "another column by --label"),
        (("--tasks-by", "none", "--label", "value"), "in `value` and a group in `none`"),
    ],
)
def test_a_long_table_without_a_value_of_a_task(tmp_path, options, told):
    table = tmp_path / "long.csv"
    rows = [f"{'C' * n},t{n % 2},,{n},Ki,K{n % 3},{n * n % 7}" for n in range(1, 20)]
    table.write_text("\n".join(["smiles,target,none,value,value_units,kind,x", *rows]))
    assert told in refuse(tmp_path / "study", "--csv", table, *options)


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml"])
def test_what_is_there_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    assert f"{tmp_path / name}: exists already" in refuse(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_study_whose_making_was_stopped_can_be_made(tmp_path, monkeypatch):
    """Stopped by Ctrl-C, and by a kill, which leaves what it was making beside."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("cotrain.init._set_up_repositories", stopped)
        assert cotrain(Path(), "init", str(tmp_path / "study")).code == 130
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".study.x.part/new").mkdir(parents=True)
    init(tmp_path / "study")
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
    assert type_in(tmp_path / "study", "git", "status", "--porcelain") == ""


def test_smiles_without_a_file(tmp_path):
    assert "are about the table of --csv: give it as well" in refuse(
        tmp_path / "study", "--smiles", "smiles"
    )
    assert not (tmp_path / "study").exists()


def test_a_file_where_the_folder_must_be(tmp_path):
    (tmp_path / "taken").write_text("")
    assert "taken" in refuse(tmp_path / "taken" / "study")


@pytest.mark.slow
def test_a_csv_of_classes_to_a_report(tmp_path):
    frame = properties(4, binary=True)
    frame.loc[len(frame)] = ["not a molecule", 1, 0, 1, 0]
    frame["unlucky"] = 1.0  # a task of one class
    frame.to_csv(tmp_path / "mine.csv", index=False, float_format="%g")
    study = tmp_path / "study"
    init(study, "--csv", tmp_path / "mine.csv", "--tasks", ",".join(frame.columns[1:]))
    change_params(study, QUICK | {"plan.subsets.n_subsets": 10, "plan.subsets.max_size": 3})
    type_in(study, "dvc", "repro", "fetch")
    run_stages(study)
    rejects = pd.read_csv(study / "data/prepared/rejects.csv")
    assert rejects["row"].tolist() == [len(frame) + 1]
    excluded = pd.read_csv(study / "data/prepared/excluded.csv")
    assert excluded["task"].tolist() == ["unlucky"]
    assert "positive" in excluded["reason"][0]
    page = (study / "reports" / "report.html").read_text(encoding="utf-8")
    for name in ("lipophilicity", "polar surface", "unlucky"):
        assert name in page
    # A changed file is seen.
    assert "mine.csv" not in type_in(study, "dvc", "status", "fetch")
    frame.iloc[:-1].to_csv(tmp_path / "mine.csv", index=False, float_format="%g")
    assert "mine.csv" in type_in(study, "dvc", "status", "fetch")


@pytest.mark.slow
def test_a_csv_of_real_values_to_a_report(tmp_path):
    study = tmp_path / "study"
    init(study, "--csv", write_properties(tmp_path / "mine.csv", 4, binary=False))
    change_params(study, QUICK)
    for stage in ("fetch", "prepare", "plan", "train", "affinity"):
        succeed(study, stage)
    fits = pd.read_parquet(study / "data/fits/subsets.parquet")
    assert fits["val_mse"].notna().all()
    for stage in ("analyze", "group", "validate", "report"):
        succeed(study, stage)
    compared = pd.read_csv(study / "data/validation/comparison.csv")
    assert set(compared["score"]) == {"r2", "rae", "d2"}
    assert "R²" in succeed(study, "summary")
    assert "relative absolute error" in (study / "reports/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("n_examples", "n_tasks", "parts", "kernel"),
    [
        (8000, 12, ["counts", "descriptors"], {"kind": "kernel", "share": None}),
        (17000, 5, ["counts", "descriptors"], {"kind": "kernel", "share": None}),
        (15000, 12, ["counts", "descriptors"], {"kind": "kernel", "share": 0.0}),
        (22000, 1, ["counts"], {"kind": "kernel", "share": 0.0}),
        (40000, 40, ["counts"], {"kind": "kernel", "share": 0.0}),
        (40000, 200, ["counts"], None),
    ],
)
def test_molecules_get_what_can_be_afforded(n_examples, n_tasks, parts, kernel):
    params = {
        "prepare": {"features": {"kind": "molecules", "parts": ["counts"]}},
        "learners": {"network": {}, "forest": {}, "kernel": {"kind": "kernel"}},
    }
    fit_recipe(params, {"binary"}, n_examples)
    choose_learners(params, [2000] * n_tasks, n_examples, by_groups=False)
    assert params["prepare"]["features"]["parts"] == parts
    assert params["learners"].get("kernel") == kernel


@pytest.mark.parametrize(("n_labels", "has_forest"), [(10_000, True), (30_000, False)])
def test_texts_get_a_forest_where_it_takes_minutes(n_labels, has_forest):
    learners = {"forest": {}, "kernel": {}}
    params = {"prepare": {"features": {"kind": "text"}}, "learners": learners}
    choose_learners(params, [n_labels] * 3, n_labels, by_groups=False)
    assert ("forest" in learners) == has_forest


@pytest.mark.parametrize(
    ("n_examples", "n_labels", "n_subsets", "random_groupings"),
    [
        (3000, 3000, 60, 2),
        (16000, 16000, 30, 1),
        (90_000, 90_000, 20, 1),
        (16000, 1200, 60, 1),  # subsets hold half of the rows
        (90_000, 2000, 36, 1),
    ],
)
def test_large_subsets_are_fewer(n_examples, n_labels, n_subsets, random_groupings):
    params = YAML().load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    fit_plan(params, [n_labels] * 12, n_examples, 100, {"kind": "scaffold"})
    assert params["plan"]["subsets"]["n_subsets"] == n_subsets
    assert params["validate"]["random_groupings"] == random_groupings


@pytest.mark.parametrize(
    ("n_tasks", "n_examples", "sources"),
    [(30, 35_000, "all"), (140, 5_000, "all"), (410, 68, "none"), (40, 90_000, "none")],
)
def test_tables_of_hundreds_of_tasks_get_no_fold_more(n_tasks, n_examples, sources):
    params = YAML().load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    fit_plan(params, [n_examples] * n_tasks, n_examples, 100, {"kind": "scaffold"})
    assert params["plan"]["augmentations"]["sources"] == sources


@pytest.mark.parametrize(("n_examples", "parts"), [(90_000, 2), (110_000, 1)])
def test_real_values_get_descriptors_of_more_molecules(n_examples, parts):
    params = {
        "prepare": {"features": {"kind": "molecules", "parts": ["counts"]}},
        "learners": {"network": {}},
    }
    fit_recipe(params, {"real", "binary"}, n_examples)
    assert len(params["prepare"]["features"]["parts"]) == parts


@pytest.mark.parametrize("kinds", [{"real"}, {"binary"}], ids=["values", "classes"])
@pytest.mark.parametrize(
    ("n_examples", "features", "n_rows"),
    [(500, "molecules", 64), (500, "columns", 64), (501, "molecules", 32), (300, "text", 32)],
)
def test_few_examples_get_larger_batches(n_examples, features, n_rows, kinds):
    params = YAML().load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["prepare"]["features"] = {"kind": features}
    fit_recipe(params, kinds, n_examples)
    network = params["learners"]["network"]
    assert network["min_batch_size"] == n_rows
    assert network["learning_rate"] == (0.001 if n_rows == 32 and kinds == {"real"} else 0.002)


CLUSTERS = {"kind": "cluster", "column": "smiles", "method": "butina", "cutoff": 0.5}


@pytest.mark.parametrize("split", [None, CLUSTERS], ids=["scaffold", "cluster"])
def test_molecules_may_be_inchi_whatever_the_split(tmp_path, split):
    frame = pd.read_csv(write_properties(tmp_path / "smiles.csv", 2, binary=True))
    frame["smiles"] = [Chem.MolToInchi(Chem.MolFromSmiles(text)) for text in frame["smiles"]]
    frame.to_csv(tmp_path / "mine.csv", index=False)
    study = tmp_path / "study"
    init(study, "--csv", tmp_path / "mine.csv")
    if split is not None:
        change_params(study, {"prepare.split": split})
    succeed(study, "fetch")
    assert " 0 rows rejected" in succeed(study, "prepare")
