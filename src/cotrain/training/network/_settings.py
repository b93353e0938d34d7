"""How a network is made and trained."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from cotrain.settings import Count, Section, within

Epochs = Annotated[int, within(1, 100_000, "each passes over all labels")]
Units = Annotated[int, within(1, 1_000_000, "weights fill memory")]


class RecipeSettings(Section):
    """How a trunk and heads are trained by AdamW; `device` is PyTorch's, null: a GPU if there is.

    `weight_decay` is that of a fit of 1,000 labels: see `decay`. `balance` is how far a task's loss
    is kept from growing with its number of labels: 0, each label counts alike; 1, each task.
    `bounds` of real values are left out; one-sided, they cost nothing where a prediction lies as
    they say, and as much as a label where it does not.
    """

    device: str | None = None
    epochs: Epochs = 10
    batch_fraction: Annotated[float, Field(gt=0, le=1)] = 0.02
    min_batch_size: Count = 32
    learning_rate: Annotated[float, Field(gt=0), within(0, 1e30, "32 bits end there")] = 1e-3
    decay_epochs: list[Count] = Field([7])
    decay_factor: Annotated[float, Field(gt=0, le=1)] = 0.3
    weight_decay: Annotated[float, within(0, 100, "more leaves no weight")] = 0.0
    patience: Annotated[int, within(0, 100_000, "in epochs")] = 0
    head_bias: Literal["zero", "base_rate"] = "zero"
    loss: Literal["squared", "huber", "absolute"] = "squared"
    balance: Annotated[float, Field(ge=0, le=1)] = 0.0
    bounds: Literal["leave_out", "one_sided"] = "leave_out"

    def identity(self) -> dict[str, Any]:
        """What a fit's identity is made of: all but the device, which changes digits only."""
        rule = {"decay": "root of labels"} if self.weight_decay > 0 else {}
        # Fits of before there was a setting are those without it.
        later = {"balance": self.balance > 0, "bounds": self.is_one_sided}
        unused = {"device"} | {name for name, is_used in later.items() if not is_used}
        return self.model_dump(exclude=unused) | rule

    def decay(self, n_labels: int) -> float:
        """AdamW's weight decay of a fit, which falls with the root of its number of labels.

        Few labels need more to hold a network back: with one decay for all, either a task alone
        or all together is a strawman. Our choice, measured in docs/learners.md.
        """
        return self.weight_decay * math.sqrt(1000 / max(n_labels, 100))

    def batch_size(self, n_rows: int) -> int:
        """Rows of a minibatch of a fit with `n_rows` rows."""
        return max(self.min_batch_size, round(self.batch_fraction * n_rows))

    def rate(self, epoch: int) -> float:
        """The learning rate in `epoch`, counted from 0."""
        n_decays = sum(epoch >= after for after in self.decay_epochs)
        return float(self.learning_rate * self.decay_factor**n_decays)

    def decayed_within(self, epochs: int) -> list[int]:
        """When the learning rate falls, at the same share of another number of epochs."""
        return [max(1, round(at * epochs / self.epochs)) for at in self.decay_epochs]

    @property
    def is_one_sided(self) -> bool:
        return self.bounds == "one_sided"

    @property
    def linear_from(self) -> float:
        """The error, in standard deviations, from which a real-valued loss grows linearly."""
        return {"squared": math.inf, "huber": 1.0, "absolute": 0.1}[self.loss]


class NetworkSettings(RecipeSettings):
    """Hidden layers shared by all members, a linear head each."""

    kind: Literal["network"] = "network"
    engine: Literal["compiled", "torch"] = "compiled"
    hidden: Annotated[list[Units], Field(min_length=1, max_length=2)] = Field([1024])
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
