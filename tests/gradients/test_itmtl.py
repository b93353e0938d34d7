import copy
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchjd.aggregation import IMTLG

from cotrain.gradients import ITMTL, UncertaintyWeighting, masked_mean

N_TASKS = 3


class Net(nn.Module):
    offset = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Tanh(), nn.Dropout(0.2), nn.Linear(7, 4)
        )
        self.heads = nn.Linear(4, N_TASKS)

    def losses(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        error = (self.heads(self.trunk(x)) - y.nan_to_num()) ** 2
        return masked_mean(error, ~y.isnan()) - self.offset


def batches(n: int, unlabelled: tuple[int, ...] = ()) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(3)
    result = []
    for _ in range(n):
        x = torch.randn(8, 5, generator=generator)
        y = 3 * torch.randn(8, N_TASKS, generator=generator)
        y[:, list(unlabelled)] = torch.nan
        result.append((x, y))
    return result


@pytest.fixture
def net() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()


def method(net: Net, **options: object) -> tuple[ITMTL, torch.optim.Optimizer]:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    return ITMTL(net, net.losses, net.trunk.parameters(), optimizer, **options), optimizer


def test_the_mean_alone_is_plain_training(net: Net) -> None:
    plain = copy.deepcopy(net)
    itmtl, optimizer = method(net, candidates=["mean"])
    torch.manual_seed(5)
    for batch in batches(6):
        itmtl.backward(batch)
        optimizer.step()
    stream = torch.get_rng_state()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9)
    torch.manual_seed(5)
    for batch in batches(6):
        optimizer.zero_grad()
        plain.losses(batch).mean().backward()
        optimizer.step()
    assert torch.equal(stream, torch.get_rng_state())
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value, msg=name)


@pytest.mark.parametrize(("gain", "offset"), [("ratio", 0.0), ("difference", 5.0)])
def test_takes_the_candidate_by_which_the_tasks_gain_most(
    net: Net, gain: str, offset: float
) -> None:
    net.offset = offset
    itmtl, optimizer = method(net, candidates=["mean", "leave_one_out", "single"], gain=gain)
    for batch in batches(8):
        gradients = []
        state = torch.get_rng_state()

        def losses(at: Net, batch: tuple = batch, state: Tensor = state) -> Tensor:
            torch.set_rng_state(state)
            return at.losses(batch)

        for i in range(N_TASKS):
            twin = copy.deepcopy(net)
            parts = torch.autograd.grad(losses(twin)[i], list(twin.trunk.parameters()))
            gradients.append(parts)
        weights = {"mean": np.ones(3)}
        weights |= {f"without {i}": 1 - np.eye(3)[i] for i in range(N_TASKS)}
        weights |= {f"only {i}": np.eye(3)[i] for i in range(N_TASKS)}
        before, total = losses(copy.deepcopy(net)), {}
        for name, weight in weights.items():
            twin = copy.deepcopy(net)
            with torch.no_grad():
                for k, p in enumerate(twin.trunk.parameters()):
                    for i in range(N_TASKS):
                        p -= 0.1 * float(weight[i] / weight.sum()) * gradients[i][k]
            after = losses(twin)
            gains = 1 - after / before if gain == "ratio" else before - after
            total[name] = gains.sum().item()
        torch.set_rng_state(state)
        itmtl.backward(batch)
        optimizer.step()
        assert itmtl.chosen_[-1] == max(total, key=total.__getitem__)
    assert itmtl.counts_ == Counter(itmtl.chosen_)
    assert len(itmtl.counts_) > 1, "the case must hold different choices"


def test_pcgrad_projects_conflicting_gradients() -> None:
    # L_0 = (w·a)² / 2 and L_1 = (w·b)² / 2 at w = (1, 1) with a = (1, 0) and b = (−1, 2) have the
    # gradients (1, 0) and (−1, 2), which conflict.
    model = nn.ParameterDict({"w": nn.Parameter(torch.ones(2))})
    rows = torch.tensor([[1.0, 0.0], [-1.0, 2.0]])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    itmtl = ITMTL(
        model,
        lambda rows: (rows @ model["w"]) ** 2 / 2,
        model.values(),
        optimizer,
        candidates=["pcgrad"],
    )
    itmtl.backward(rows)
    # g_0 − (g_0·g_1 / 5) g_1 = (0.8, 0.4); g_1 − (g_1·g_0 / 1) g_0 = (0, 2); averaged.
    torch.testing.assert_close(model["w"].grad, torch.tensor([0.4, 1.2]))


@pytest.mark.parametrize(
    ("candidate", "name"),
    [(IMTLG(), "IMTLG"), ("imtlg", "imtlg"), (lambda jacobian: 3 * jacobian[0], "lambda")],
)
def test_any_aggregator_of_torchjd_and_any_callable_is_a_candidate(
    net: Net, candidate: Callable[[Tensor], Tensor] | str, name: str
) -> None:
    net.eval()
    itmtl, _ = method(net, candidates=[candidate])
    (batch,) = batches(1)
    shared = list(net.trunk.parameters())
    rows = [torch.autograd.grad(net.losses(batch)[i], shared) for i in range(N_TASKS)]
    jacobian = torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])
    itmtl.backward(batch)
    expected = IMTLG() if candidate == "imtlg" else candidate
    torch.testing.assert_close(
        torch.cat([p.grad.flatten() for p in shared]), expected(jacobian), atol=1e-5, rtol=1e-4
    )
    assert name in itmtl.chosen_[0]


def test_random_candidates_repeat_by_seed_and_leave_the_random_stream_alone(net: Net) -> None:
    def trained(seed: int) -> tuple[Tensor, Tensor]:
        twin = copy.deepcopy(net)
        itmtl, optimizer = method(twin, candidates=["pcgrad"], seed=seed)
        torch.manual_seed(5)
        for batch in batches(5):
            itmtl.backward(batch)
            optimizer.step()
        return twin.trunk[0].weight.detach(), torch.get_rng_state()

    (one, stream), (again, _), (other, other_stream) = trained(0), trained(0), trained(1)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(stream, other_stream)


def test_combines_only_tasks_with_labels(net: Net) -> None:
    itmtl, _ = method(net, candidates=["leave_one_out"])
    itmtl.backward(batches(1, unlabelled=(1,))[0])
    assert itmtl.chosen_[-1] in ("without 0", "without 2")
    losses = itmtl.backward(batches(1, unlabelled=(0, 1))[0])
    assert itmtl.chosen_[-1] == "only 2"
    assert losses.isnan().tolist() == [True, True, False]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_a_candidate_that_diverges_is_not_taken(net: Net) -> None:
    itmtl, _ = method(net, candidates=[lambda jacobian: 1e38 * jacobian.sum(dim=0), "mean"])
    itmtl.backward(batches(1)[0])
    assert itmtl.chosen_ == ["mean"]


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ([], "candidates must hold at least one combination, got none"),
        (["average"], "such as mean, pcgrad or mgda, got 'average'"),
        (["meanweighting"], "must be leave_one_out, single, or an aggregator of torchjd"),
        (["cagrad"], "cagrad cannot be made by its name: .*'c'; give it as an object"),
    ],
)
def test_refuses_unknown_candidates(net: Net, candidates: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        method(net, candidates=candidates)


def test_uncertainty_weighting_at_its_optimum() -> None:
    # d/ds (exp(−s) L + s/2) = 0 at exp(−s) = 1 / (2 L), where the sum is (1 + ln 2L) / 2.
    weighting = UncertaintyWeighting(3)
    losses = torch.tensor([0.5, torch.nan, 3.0], requires_grad=True)
    with torch.no_grad():
        weighting.log_variances.copy_(torch.log(2 * torch.tensor([0.5, 1.0, 3.0])))
    total = weighting(losses)
    total.backward()
    assert total.item() == pytest.approx((1 + (1 + np.log(6))) / 4)
    torch.testing.assert_close(weighting.log_variances.grad, torch.zeros(3), atol=1e-7, rtol=0)
    torch.testing.assert_close(losses.grad, torch.tensor([0.5, 0.0, 1 / 12]))
