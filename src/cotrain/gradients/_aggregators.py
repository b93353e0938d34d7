from collections.abc import Callable

from torch import Tensor
from torchjd import aggregation

# From the gradients of m tasks, (m, P), to one direction, (P,).
Aggregation = Callable[[Tensor], Tensor]


def named_aggregator(name: str) -> Aggregation:
    """An aggregator of `torchjd` by its name in lower case, such as `mean`, `mgda` or `pcgrad`.

    `pcgrad` is averaged over tasks, while torchjd's is a sum: so it compares with the mean.

    Raises
    ------
    ValueError
        If there is none, it cannot be made without settings, or its packages are not installed.
    """
    known = {kind.lower(): getattr(aggregation, kind) for kind in aggregation.__all__}
    kind = known.get(name)
    if not (isinstance(kind, type) and issubclass(kind, aggregation.Aggregator)):
        raise ValueError(
            "a combination of gradients must be leave_one_out, single, or an aggregator of torchjd "
            f"in lower case, such as mean, pcgrad or mgda, got {name!r}"
        )
    try:
        aggregate: Aggregation = kind()
    except (TypeError, ImportError) as error:
        raise ValueError(
            f"the aggregator {name} cannot be made by its name: {error}; give it as an object of "
            "torchjd.aggregation, or choose another"
        ) from error
    if name == "pcgrad":
        return lambda jacobian: aggregate(jacobian) / len(jacobian)
    return aggregate
