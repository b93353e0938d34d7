from cotrain.exceptions import SettingsError
from cotrain.study import Study
from cotrain.training import Engine, make_engine


def engine_of(study: Study) -> Engine:
    """The engine that a study's fits are trained with.

    Raises
    ------
    SettingsError
        If the way to combine gradients needs a package that is not installed.
    """
    model = study.settings.model
    if model.combination == "sum":
        return make_engine(model)
    from cotrain.gradients import CombinationEngine

    try:
        return CombinationEngine(model.combination)
    except ValueError as error:
        raise SettingsError(
            f"{study.folder / 'params.yaml'}: `model.combination`: {error}"
        ) from error
