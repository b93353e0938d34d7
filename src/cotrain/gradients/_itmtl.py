from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchjd import aggregation

from cotrain.gradients._lookahead import Lookahead
from cotrain.gradients._recorder import check_choice, transference

# From the gradients of m tasks, (m, P), to one direction, (P,).
Aggregation = Callable[[Tensor], Tensor]
Gain = Literal["ratio", "difference"]

_FAMILIES = ("leave_one_out", "single")


class ITMTL:
    """Increased-transference multi-task learning: each step takes the best gradient combination.

    Every candidate combines the tasks' gradients by the shared parameters into one; a lookahead
    step along each gives its total transference sum_j (1 − L_j after / L_j before) on the same
    batch; the candidate with the largest becomes the gradient (arXiv 2010.15413, IT-MTL). Heads get
    the gradient of the mean loss. With one candidate there is nothing to choose and no lookahead,
    so `candidates=["pcgrad"]` is PCGrad.

    Parameters
    ----------
    model, losses, shared, chunk_size
        As for `Lookahead`.
    optimizer : torch.optim.Optimizer
        The optimiser of the fit; its learning rate is that of the lookahead.
    candidates : sequence of str or callable
        `leave_one_out`: K candidates, the mean of all tasks but one. `single`: K candidates, one
        task each. Or an aggregator of `torchjd` by its name, such as `mean`, `mgda`, or `pcgrad`
        (arXiv 2001.06782; here averaged), or one that is made already, or any other callable from a
        Jacobian (m, P) of the m tasks with labels to a direction (P,).
    gain : {"ratio", "difference"}
        What a task gains by a step. `ratio`: 1 − L after / L before, the paper's, undefined for
        losses that are not positive. `difference`: L before − L after, for losses of any sign on
        one scale, such as those of policies.
    seed : int
        Of the candidates that draw random numbers, such as the order of PCGrad's projections.

    Attributes
    ----------
    chosen_ : list of str
        The candidate that each step took: `mean`, `pcgrad`, `without 2`, `only 0`, or the text of
        an aggregator.
    counts_ : Counter
        How often each was chosen.

    Examples
    --------
    >>> model = nn.ModuleDict({"trunk": nn.Linear(3, 4), "heads": nn.Linear(4, 2)})
    >>> def losses(x):
    ...     return model["heads"](model["trunk"](x)).pow(2).mean(dim=0)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> itmtl = ITMTL(model, losses, model["trunk"].parameters(), optimizer)
    >>> losses_before = itmtl.backward(torch.ones(8, 3))
    >>> optimizer.step()
    >>> len(itmtl.chosen_)
    1
    """

    def __init__(
        self,
        model: nn.Module,
        losses: Callable[[Any], Tensor],
        shared: Iterable[nn.Parameter],
        optimizer: Optimizer,
        *,
        candidates: Sequence[str | Aggregation] = ("mean", "pcgrad", "leave_one_out"),
        gain: Gain = "ratio",
        seed: int = 0,
        chunk_size: int | None = None,
    ) -> None:
        check_choice("gain", gain, get_args(Gain))
        if not candidates:
            raise ValueError("candidates must hold at least one combination, got none")
        self._lookahead = Lookahead(model, losses, shared, chunk_size)
        self._losses, self._optimizer = losses, optimizer
        # A family stands for as many candidates as there are tasks with labels.
        self._candidates: list[tuple[str, Aggregation | None]] = [
            (str(one), named_aggregator(one) if isinstance(one, str) else one)
            if one not in _FAMILIES
            else (str(one), None)
            for one in candidates
        ]
        self._gain: Gain = gain
        self._seed = seed
        self.chosen_: list[str] = []

    @property
    def counts_(self) -> Counter[str]:
        return Counter(self.chosen_)

    def backward(self, batch: Any) -> Tensor:
        """Set the gradients for the optimiser's step, and return the losses, Tensor (K,).

        Takes the place of `loss.backward()`: what parameters held as gradients is overwritten.
        """
        gradients = self._lookahead.gradients(batch)
        labelled = gradients.labelled
        names, directions = self._combine(gradients.jacobian[labelled], labelled)
        best = 0
        if len(names) > 1:
            lr = self._optimizer.param_groups[0]["lr"]
            after = self._lookahead.losses_after(batch, -lr * directions)
            best = int(np.argmax(_totals(gradients.losses, after, self._gain)))
        self.chosen_.append(names[best])
        # The lookahead leaves no trace, but a training step does: BatchNorm sees the batch once,
        # and random streams move on.
        with torch.no_grad():
            self._losses(batch)
        heads = {name: g / int(labelled.sum()) for name, g in gradients.heads.items()}
        self._lookahead.set_gradients(directions[best], heads)
        return gradients.losses

    def _combine(self, jacobian: Tensor, labelled: Tensor) -> tuple[list[str], Tensor]:
        """The candidates' names and directions (C, P) from the gradients of m tasks (m, P)."""
        names: list[str] = []
        directions: list[Tensor] = []
        tasks = labelled.nonzero().flatten().tolist()
        for number, (name, aggregate) in enumerate(self._candidates):
            if aggregate is not None:
                names.append(name)
                directions.append(self._aggregated(aggregate, number, jacobian)[None])
            elif name == "single":
                names += [f"only {task}" for task in tasks]
                directions.append(jacobian)
            elif len(tasks) > 1:
                names += [f"without {task}" for task in tasks]
                total = jacobian.sum(dim=0, keepdim=True)
                directions.append((total - jacobian) / (len(tasks) - 1))
        if not names:
            # One task has labels, so leaving it out leaves nothing.
            return [f"only {tasks[0]}"], jacobian
        return names, torch.cat(directions)

    def _aggregated(self, aggregate: Aggregation, number: int, jacobian: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            step = len(self.chosen_)
            sequence = np.random.SeedSequence([self._seed, step, number])
            torch.manual_seed(sequence.generate_state(1)[0])
            return aggregate(jacobian)


def named_aggregator(name: str) -> Aggregation:
    """An aggregator of `torchjd` by its name in lower case, such as `mean`, `mgda` or `pcgrad`.

    `pcgrad` is averaged over tasks, while torchjd's is a sum: so it compares with the mean.
    ValueError if there is none, it needs settings, or its packages are not installed.
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


def _totals(before: Tensor, after: Tensor, gain: Gain) -> np.ndarray:
    """What all tasks gain by each candidate (C,); −inf for one whose losses are not finite."""
    then, now = before.cpu().numpy(), after.cpu().numpy()
    if gain == "ratio":
        gains, is_countable = transference(then, now), then > 0
    else:
        gains, is_countable = then - now, ~np.isnan(then)
    return np.where(np.isfinite(gains), gains, -np.inf)[:, is_countable].sum(axis=1)
