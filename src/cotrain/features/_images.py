"""Images as arrays."""

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from cotrain.exceptions import DataError
from cotrain.features._featurizer import Featurizer, Names
from cotrain.features._given import check_finite, places_of, read_features
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.tasks import Features

# Grey, colour, and colour with opacity.
_COLOURS = (1, 3, 4)


class ImageSettings(Choice):
    """An .npz file, the array of images in it, and the array of the examples' names.

    `id` null: images stand in the order of the source's rows.
    """

    kind: Literal["images"]
    path: str
    array: str | None = None
    id: str | None = None


class Images(Featurizer):
    """Images (N, height, width) or (N, channels, height, width), of mean 0 and deviation 1.

    The last axes stay: a convolutional learner sees (channels, height, width).
    """

    Settings = ImageSettings

    def names(self, raw: RawTable) -> Names:
        """Return the source's names; images that are missing are counted here, among all."""
        self._read(raw)
        return super().names(raw)

    def fit(self, raw: RawTable) -> Self:
        images = self._read(raw)
        deviation = float(images.std(dtype=np.float64))
        self.state = {
            "mean": float(images.mean(dtype=np.float64)),
            "deviation": deviation if deviation > 0 else 1.0,
            "shape": list(images.shape[1:]),
        }
        return self

    def transform(self, raw: RawTable) -> Features:
        images, state = self._read(raw), self.state
        if list(images.shape[1:]) != state["shape"]:
            raise DataError(
                f"{self.settings.path}: images of the shape {images.shape[1:]}, fitted to "
                f"{tuple(state['shape'])}; give images of that shape"
            )
        scaled = (images - np.float32(state["mean"])) / np.float32(state["deviation"])
        return np.asarray(scaled, dtype=np.float32)

    def notes(self, raw: RawTable, features: Features) -> list[str]:  # noqa: ARG002
        alike = len(features) > 1 and bool((features == features[:1]).all())
        return ["all images are alike, which tells nothing"] if alike else []

    def _read(self, raw: RawTable) -> Any:
        wanted: ImageSettings = self.settings
        path = raw.folder / wanted.path
        images, names = read_images(path, wanted.array, wanted.id)
        return check_finite(images[places_of(raw, path, len(images), names)], path)


def read_images(
    path: Path, array: str | None, id_name: str | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the images of a file, (M, channels, height, width), and their names; `read_features`.

    DataError if they have not these axes, or (M, height, width).
    """
    found, names = read_features(path, array, id_name)
    if not isinstance(found, np.ndarray) or found.ndim not in (3, 4):
        shape = getattr(found, "shape", "none")
        raise DataError(
            f"{path}: images must have the axes (n, height, width) or (n, channels, height, "
            f"width), got the shape {shape}; name their array as `prepare.features.array`"
        )
    if found.ndim == 4 and found.shape[3] in _COLOURS and found.shape[1] not in _COLOURS:
        raise DataError(
            f"{path}: channels stand last in the shape {found.shape}, and must come before "
            "height and width: save array.transpose(0, 3, 1, 2)"
        )
    return (found[:, None] if found.ndim == 3 else found), names
