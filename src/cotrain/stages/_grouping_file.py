"""The grouping that `cotrain group` recommends, as the later stages read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotrain.exceptions import DataError
from cotrain.files import read_json
from cotrain.grouping import Grouping
from cotrain.study import Study


@dataclass(frozen=True)
class GroupingFile:
    """The recommended grouping and those that it is compared with, as positions of tasks."""

    recommended: Grouping
    rivals: Mapping[str, Sequence[Grouping]]

    @classmethod
    def load(cls, study: Study, tasks: Sequence[str], data_version: str) -> "GroupingFile":
        """Read data/grouping/grouping.json.

        Raises
        ------
        DataError
            If it is missing, is not what it must be, or was made of another task table.
        """
        path = study.grouping / "grouping.json"
        found = read_json(path, "group")
        try:
            made_of = found["data_version"]
            if made_of != data_version:
                raise DataError(
                    f"{path}: made of another task table ({made_of}, not {data_version}); "
                    "run `cotrain group` again"
                )
            place = {name: index for index, name in enumerate(tasks)}
            recommended = _grouping(found["groups"], place)
            rivals = {
                name: [_grouping(grouping, place) for grouping in groupings]
                for name, groupings in found["rivals"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{path}: cannot be read ({reason}); run `cotrain group` again"
            ) from error
        return cls(recommended, rivals)


def _grouping(groups: Any, place: Mapping[str, int]) -> Grouping:
    for name in (name for group in groups for name in group):
        if name not in place:
            raise ValueError(f"no task is called {name!r}")
    return tuple(tuple(sorted(place[name] for name in group)) for group in groups)
