from pathlib import Path

from cotrain.settings import FetchSettings
from cotrain.sources._csv import read_csv
from cotrain.sources._kiba import read_kiba
from cotrain.sources._measurements import Measurements
from cotrain.sources._moleculeace import read_moleculeace
from cotrain.sources._synthetic import make_synthetic


def fetch(settings: FetchSettings, folder: Path) -> Measurements:
    """Return the measurements of the source that `settings.source` chooses.

    Parameters
    ----------
    settings : FetchSettings
        The section `fetch` of params.yaml.
    folder : Path
        The study's folder: relative paths in the settings start there, and `.cotrain` inside it
        keeps what was downloaded.

    Raises
    ------
    DataError
        If the source cannot be had or is not what it must be.
    """
    match settings.source:
        case "moleculeace":
            return read_moleculeace(settings.moleculeace, cache=folder / ".cotrain")
        case "csv":
            assert settings.csv is not None  # checked by FetchSettings
            return read_csv(settings.csv, folder)
        case "kiba":
            assert settings.kiba is not None  # checked by FetchSettings
            return read_kiba(settings.kiba, folder)
        case "synthetic":
            return make_synthetic(settings.synthetic)
