"""A trunk of the user's own as the learner that transfer is measured with."""

import ast
import re
from pathlib import Path
from typing import Any

from cotrain.exceptions import CotrainError
from cotrain.files import write_text

# Half the time of the learner's defaults, and as good (docs/learners.md).
_RECIPE = {"epochs": 10, "decay_epochs": [7], "learning_rate": 0.003}
# The stages that train, or name fits by what trains them.
_STAGES = ("tune", "plan", "train", "affinity", "validate")


def use_trunk(params: Any, pipeline: Any, place: Path, wanted: str) -> str:
    """Put the trunk in the network's place, and its file beside the study's; return its name."""
    path, _, name = wanted.rpartition(":")
    file = Path(path)
    if not re.fullmatch(r"[A-Za-z_]\w*\.py", file.name) or not name.isidentifier():
        raise CotrainError(f"--trunk must be like trunk.py:factory, got {wanted!r}")
    try:
        code = file.read_text(encoding="utf-8")
        defined = _names(ast.parse(code))
    except (OSError, ValueError, SyntaxError) as error:
        raise CotrainError(f"--trunk: {file}: cannot be read ({error}); correct it") from error
    if name not in defined:
        raise CotrainError(
            f"--trunk: {file} has no `{name}`, but {', '.join(sorted(defined)) or 'nothing'}"
        )
    if not (place / file.name).exists():
        write_text(place / file.name, code)
    learners = params["learners"]
    del learners["network"]
    learners.insert(0, "own", {"kind": "module", "trunk": f"{file.stem}:{name}"} | _RECIPE)
    params["plan"]["learner"] = "own"
    for stage in _STAGES:
        pipeline["stages"][stage]["deps"].append(file.name)
    return file.name


def _names(code: ast.Module) -> set[str]:
    """What a module defines or imports at its top."""
    found: set[str] = set()
    for node in code.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found
