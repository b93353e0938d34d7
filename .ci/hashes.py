"""The versions of constraints.txt with the hashes of their files: what `[all]` needs but torch.

    make hashes

uv resolves for every Python and system that cotrain runs on at once. It looks into the index that
is its default, and is installed for this alone.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """\
# The versions of constraints.txt, with the hashes of their files for Python 3.11 to 3.13 on Linux
# and macOS. Of torch each machine needs a build of its own (CPU, CUDA), which is yours to choose.
# In an empty environment:
#     pip install --require-hashes --no-deps -r requirements-hashed.txt
#     pip install --no-deps --no-build-isolation .
#     pip install --constraint constraints.txt torch   # for gradients and networks of your own
# Made by `make hashes`.
"""


def main() -> None:
    pins = re.findall(r"^[^#\s].*$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    project = (ROOT / "pyproject.toml").read_text()
    # chemprop wants an older RDKit than all else is held to.
    project = re.sub(r"^chemprop = \[.*?^\]\n", "", project, flags=re.DOTALL | re.MULTILINE)
    systems = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
    project += f"[tool.uv]\nenvironments = {systems}\nconstraint-dependencies = {pins}\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv/bin/python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        (folder / "pyproject.toml").write_text(project)
        (folder / "README.md").touch()
        command = [
            python, "-m", "uv", "export", "--quiet", "--python", sys.executable, "--extra", "all",
            "--no-dev", "--no-emit-project", "--prune", "torch", "--no-header", "--no-annotate",
        ]  # fmt: skip
        found = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    # The systems are all that there are.
    lines = re.sub(r" ; .*? \\$", r" \\", found.stdout, flags=re.MULTILINE)
    (ROOT / "requirements-hashed.txt").write_text(HEAD + lines)


if __name__ == "__main__":
    main()
