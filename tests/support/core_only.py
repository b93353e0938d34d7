"""What works where cotrain is installed without extras: `python core_only.py [--hide]`.

Run by continuous integration in such an environment. `--hide` makes one of an environment that has
them, by refusing every import of another package.
"""

import importlib
import importlib.abc
import sys
from importlib.util import find_spec

import numpy as np

ALONE = ("surrogates", "curves", "grouping", "reliability")
OF_EXTRAS = (
    "chembl_structure_pipeline", "chemprop", "click", "dvc", "jinja2", "llvmlite", "matplotlib", "mlflow",
    "numba", "openpyxl", "optuna", "psutil", "pyarrow", "pydantic", "rdkit", "ruamel",
    "safetensors", "skops", "sqlalchemy", "torch", "torchjd", "tqdm",
)  # fmt: skip


class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OF_EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    if "--hide" in sys.argv:
        sys.meta_path.insert(0, Hidden())
    else:
        found = [name for name in OF_EXTRAS if find_spec(name)]
        assert not found, f"not an environment without extras: {found}"
    for name in ALONE:
        room = importlib.import_module(f"cotrain.{name}")
        for part in room.__all__:
            getattr(room, part)

    from cotrain.grouping import select_groups
    from cotrain.surrogates import relevance

    rng = np.random.default_rng(0)
    subsets = np.unique(rng.integers(0, 2, size=(200, 6)), axis=0)
    effects = np.where(np.add.outer(np.arange(6), np.arange(6)) % 2, -0.1, 0.1)  # odd, even
    scores = np.where(subsets, subsets @ effects, np.nan) + rng.normal(0, 0.01, subsets.shape)
    found = relevance(subsets, scores)
    groups = select_groups(found.estimate, max_groups=2, self_scores=np.zeros(6)).groups
    assert sorted(map(sorted, groups)) == [[0, 2, 4], [1, 3, 5]], groups

    from cotrain.__main__ import main as command

    sys.argv = ["cotrain"]
    try:
        command()
    except SystemExit as end:
        code = end.code
    else:
        raise AssertionError("a command line without its packages")
    assert code == 2, code


if __name__ == "__main__":
    main()
