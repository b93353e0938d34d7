from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cotrain.gradients import AffinityRecorder
from cotrain.gradients._network import LabelledBatch, NetworkLookahead
from cotrain.gradients._recorder import cosines

N_ROWS, N_FEATURES, N_TASKS = 12, 20, 5
LR = 0.3


class Case:
    """A network with random labels of mixed kinds, of which task 3 has none."""

    def __init__(self, hidden: list[int]) -> None:
        generator = torch.Generator().manual_seed(len(hidden))

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.x = (normal(N_ROWS, N_FEATURES) > 1).double()
        sizes = [N_FEATURES, *hidden]
        self.hidden = [(normal(a, b), normal(b)) for a, b in pairwise(sizes)]
        self.heads = (normal(sizes[-1], N_TASKS), normal(N_TASKS))
        self.keep = [(normal(N_ROWS, n) > -1) / 0.8 for n in hidden]
        self.is_binary = torch.tensor([True, False, True, True, False])
        known = normal(N_ROWS, N_TASKS) > 0
        known[:, 3] = False
        self.y = torch.where(self.is_binary, normal(N_ROWS, N_TASKS) > 0, normal(N_ROWS, N_TASKS))
        self.task, self.row = known.T.nonzero().T

    def lookahead(self, head_lr: float) -> NetworkLookahead:
        batch = LabelledBatch(
            first=(self.x @ self.hidden[0][0] + self.hidden[0][1]).numpy(),
            products=(self.x @ self.x.T).numpy(),
            keep=[keep.numpy() for keep in self.keep],
            row=self.row.numpy(),
            task=self.task.numpy(),
            target=self.y[self.row, self.task].numpy(),
            is_binary=self.is_binary.numpy(),
        )
        hidden = [(weight.numpy(), bias.numpy()) for weight, bias in self.hidden]
        heads = (self.heads[0].numpy(), self.heads[1].numpy())
        return NetworkLookahead(hidden, heads, batch, head_lr)

    def module(self) -> nn.ParameterList:
        flat = [part for layer in (*self.hidden, self.heads) for part in layer]
        return nn.ParameterList([nn.Parameter(part) for part in flat])

    def losses(self, module: nn.ParameterList) -> Tensor:
        """The same by autograd."""
        parts = list(module)
        top = self.x
        for depth, keep in enumerate(self.keep):
            top = torch.relu(top @ parts[2 * depth] + parts[2 * depth + 1]) * keep
        output = (top @ parts[-2] + parts[-1])[self.row, self.task]
        target = self.y[self.row, self.task]
        loss = torch.where(
            self.is_binary[self.task],
            nn.functional.binary_cross_entropy_with_logits(
                output, target.clamp(0, 1), reduction="none"
            ),
            (output - target) ** 2,
        )
        rows = []
        for task in range(N_TASKS):
            mine = self.task == task
            rows.append(loss[mine].mean() if mine.any() else loss.new_tensor(torch.nan))
        return torch.stack(rows)


@pytest.mark.parametrize("hidden", [[7], [7, 6]], ids=["one layer", "two layers"])
@pytest.mark.parametrize("heads_step", ["fixed", "stepped"])
def test_agrees_with_autograd_on_the_same_network(hidden: list[int], heads_step: str) -> None:
    case = Case(hidden)
    module = case.module()
    recorder = AffinityRecorder(
        module,
        lambda _: case.losses(module),
        list(module)[:-2],
        lr=LR,
        heads_step=heads_step,
        chunk_size=1,
    ).step(None)
    lookahead = case.lookahead(LR if heads_step == "stepped" else 0.0)
    affinity = 1 - (lookahead.losses_after(LR) / lookahead.losses()).T
    np.fill_diagonal(affinity, np.nan)
    assert np.isnan(affinity[3]).all()
    assert np.isnan(affinity[:, 3]).all()
    np.testing.assert_allclose(affinity, recorder.affinity_, rtol=1e-9, atol=1e-9)
    cosine = cosines(lookahead.gram())
    np.testing.assert_allclose(cosine, recorder.cosine_, atol=1e-9)
