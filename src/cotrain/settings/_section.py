"""What every section of params.yaml is, and sections told apart by their kind."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, ValidationError

from cotrain.registry import Registry

Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A section of params.yaml: unknown keys are refused, values are typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


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
