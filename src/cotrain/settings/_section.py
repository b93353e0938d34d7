"""What every section of params.yaml is, and sections told apart by their kind."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
)

from cotrain.registry import Registry


def within(low: float, high: float, why: str) -> Any:
    """A rule for a number's size; `why` says what a larger one would do."""

    def check(value: float) -> float:
        if not low <= value <= high:
            shown = str(value) if len(str(value)) < 25 else f"{str(value)[:20]}..."
            raise ValueError(f"must be {low:,g} to {high:,g} ({why}), got {shown}")
        return value

    return AfterValidator(check)


Count = Annotated[int, within(1, 1_000_000, "more is a slip of the pen")]
Repeats = Annotated[int, within(1, 1000, "errors shrink with their root, time grows with them")]
Folds = Annotated[int, within(1, 1000, "each needs examples of every task")]
Seed = Annotated[int, within(0, 2**31, "random generators take no larger one")]
Positive = Annotated[float, Field(gt=0), within(0, 1e6, "more cannot be told from a slip")]
Weight = Annotated[float, Field(gt=0), within(1e-6, 1e6, "beyond, all others would count as 0")]


class Section(BaseModel):
    """A section of params.yaml, or of a file as strict: unknown keys are refused, values typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Choice(Section):
    """A section whose `kind` says which class of a registry it is for."""

    kind: str


class SectionError(ValueError):
    """What is wrong with a section whose class only its `kind` tells."""

    def __init__(self, section: type[Section], found: ValidationError) -> None:
        super().__init__(str(found))
        self.section = section
        self.problems = found.errors()


def section_of(registry: Registry) -> Any:
    """A section whose `kind` names a class of the registry, which knows what else it holds."""

    def read(value: Any) -> Any:
        if isinstance(value, Section):
            return value
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            raise ValueError(f"needs a `kind`: one of {', '.join(registry.kinds())}")
        section = registry.find(value["kind"]).Settings
        try:
            return section.model_validate(value)
        except ValidationError as error:
            raise SectionError(section, error) from error

    return Annotated[SerializeAsAny[Section], BeforeValidator(read)]
