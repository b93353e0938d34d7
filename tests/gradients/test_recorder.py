import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cotrain.gradients import AffinityRecorder, masked_mean

N_TASKS = 4


class Net(nn.Module):
    """A trunk with what a lookahead must not disturb: BatchNorm statistics and dropout."""

    def __init__(self, batch_norm: bool = True, dropout: float = 0.3) -> None:
        super().__init__()
        layers = [nn.Linear(6, 8), nn.BatchNorm1d(8)] if batch_norm else [nn.Linear(6, 8)]
        self.trunk = nn.Sequential(*layers, nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 5))
        self.heads = nn.ModuleList([nn.Linear(5, 1) for _ in range(N_TASKS)])

    def forward(self, x: Tensor) -> Tensor:
        z = torch.tanh(self.trunk(x))
        return torch.cat([head(z) for head in self.heads], dim=1)


@dataclass(frozen=True)
class Batch:
    x: Tensor
    y: Tensor
    is_known: Tensor


def losses_of(model: nn.Module) -> Callable[[Batch], Tensor]:
    def losses(batch: Batch) -> Tensor:
        return masked_mean((model(batch.x) - batch.y) ** 2, batch.is_known)

    return losses


def batches(n_batches: int, seed: int = 0, n_rows: int = 9, known: float = 0.6) -> Iterator[Batch]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_batches):
        x = torch.randn(n_rows, 6, generator=generator)
        y = torch.randn(n_rows, N_TASKS, generator=generator)
        yield Batch(x, y, torch.rand(n_rows, N_TASKS, generator=generator) < known)


@pytest.fixture(autouse=True)
def _own_random_stream() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    recorder: AffinityRecorder | None,
    n_steps: int = 7,
    **data: float,
) -> None:
    for batch in batches(n_steps, **data):
        if recorder is not None:
            recorder.step(batch)
        optimizer.zero_grad()
        torch.nansum(losses_of(model)(batch)).backward()
        optimizer.step()


def naive(
    model: Net,
    batch: Batch,
    lr: float,
    sources: list[set[int]],
    heads_step: str = "fixed",
    buffers: list[Tensor] | None = None,
) -> np.ndarray:
    """The definition, by copying the model and stepping the copy: (K, S)."""
    state = torch.get_rng_state()

    def losses(at: Net) -> Tensor:
        torch.set_rng_state(state)
        return losses_of(at)(batch)

    table = np.full((N_TASKS, len(sources)), np.nan)
    start = copy.deepcopy(model)
    if heads_step == "stepped":
        heads = list(start.heads.parameters())
        steps = torch.autograd.grad(torch.nansum(losses(start)), heads, materialize_grads=True)
        with torch.no_grad():
            for parameter, step in zip(heads, steps, strict=True):
                parameter -= lr * step
    before = losses(copy.deepcopy(start))
    for s, source in enumerate(sources):
        moved, origin = copy.deepcopy(start), copy.deepcopy(model)
        present = [i for i in sorted(source) if not before[i].isnan()]
        if not present:
            continue
        gradients = torch.autograd.grad(losses(origin)[present].sum(), origin.trunk.parameters())
        with torch.no_grad():
            for k, (parameter, g) in enumerate(
                zip(moved.trunk.parameters(), gradients, strict=True)
            ):
                parameter -= lr * (g + (buffers[k] if buffers else 0))
        after = losses(moved)
        for j in range(N_TASKS):
            if source != {j}:
                table[j, s] = 1 - after[j].item() / before[j].item()
    torch.set_rng_state(state)
    return table


def test_affinity_derived_by_hand() -> None:
    # Prediction a_i w x at w = x = 1, labels 0: L_i = (a_i w)², so dL_1/dw = 2 and dL_2/dw = 8.
    # The step of task 1 at 0.1 leads to w = 0.8 and L_2 = 2.56 of 4; that of task 2 to w = 0.2
    # and L_1 = 0.04 of 1.
    model = nn.ParameterDict({"w": nn.Parameter(torch.ones(1)), "a": torch.tensor([1.0, 2.0])})
    recorder = AffinityRecorder(
        model, lambda x: (model["a"] * model["w"] * x) ** 2, [model["w"]], lr=0.1
    )
    affinity = recorder.step(1.0).affinity_
    np.testing.assert_allclose(affinity, [[np.nan, 0.96], [0.36, np.nan]], rtol=1e-6)


@pytest.mark.parametrize("chunk_size", [None, 1, 3])
@pytest.mark.parametrize("heads_step", ["fixed", "stepped"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_agrees_with_the_naive_loop(
    chunk_size: int | None, heads_step: str, batch_norm: bool
) -> None:
    model = Net(batch_norm).double()
    singles = [{i} for i in range(N_TASKS)]
    recorder = AffinityRecorder(
        model,
        losses_of(model),
        model.trunk.parameters(),
        lr=0.05,
        every=1,
        heads_step=heads_step,
        chunk_size=chunk_size,
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    expected = []
    for batch in batches(5, known=0.15):
        batch = Batch(batch.x.double(), batch.y.double(), batch.is_known)
        expected.append(naive(model, batch, 0.05, singles, heads_step))
        recorder.step(batch)
        optimizer.zero_grad()
        torch.nansum(losses_of(model)(batch)).backward()
        optimizer.step()
    assert np.isnan(expected).any(axis=0).all(), "the case must hold batches without labels"
    np.testing.assert_allclose(recorder.history_, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(recorder.counts_, (~np.isnan(expected)).sum(axis=0))


def test_sources_that_are_sets_step_on_the_sum_of_their_losses() -> None:
    model = Net().double()
    sources = [{0, 1}, {2}, {0, 1, 2, 3}]
    recorder = AffinityRecorder(
        model, losses_of(model), model.trunk.parameters(), lr=0.1, sources=sources
    )
    (batch,) = batches(1)
    batch = Batch(batch.x.double(), batch.y.double(), batch.is_known.clone())
    batch.is_known[:, 0] = False  # a member without labels adds nothing
    recorder.step(batch)
    assert recorder.affinity_.shape == (N_TASKS, 3)
    np.testing.assert_allclose(recorder.affinity_, naive(model, batch, 0.1, sources), atol=1e-6)


def test_released_mode_keeps_momentum_and_divides_by_the_learning_rate() -> None:
    model = Net(batch_norm=False).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for batch in batches(3):
        optimizer.zero_grad()
        torch.nansum(
            losses_of(model)(Batch(batch.x.double(), batch.y.double(), batch.is_known))
        ).backward()
        optimizer.step()
    recorder = AffinityRecorder(
        model, losses_of(model), model.trunk.parameters(), optimizer=optimizer, mode="released"
    )
    batch = Batch(batch.x.double(), batch.y.double(), batch.is_known)
    recorder.step(batch)
    buffers = [0.9 * optimizer.state[p]["momentum_buffer"] for p in model.trunk.parameters()]
    expected = naive(model, batch, 0.02, [{i} for i in range(N_TASKS)], buffers=buffers) / 0.02
    np.testing.assert_allclose(recorder.affinity_, expected, atol=1e-5)


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda p: torch.optim.Adam(p, lr=0.01),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    ],
    ids=["adam", "momentum"],
)
@pytest.mark.parametrize("chunk_size", [None, 1])
@pytest.mark.parametrize("heads_step", ["fixed", "stepped"])
def test_recording_leaves_the_fit_unchanged_to_the_bit(
    make_optimizer: Callable[..., torch.optim.Optimizer], chunk_size: int | None, heads_step: str
) -> None:
    def fit(is_recorded: bool) -> tuple[Net, torch.optim.Optimizer, Tensor]:
        torch.manual_seed(1)
        model = Net()
        optimizer = make_optimizer(model.parameters())
        recorder = AffinityRecorder(
            model,
            losses_of(model),
            model.trunk.parameters(),
            optimizer=optimizer,
            every=2,
            heads_step=heads_step,
            chunk_size=chunk_size,
        )
        train(model, optimizer, recorder if is_recorded else None)
        return model, optimizer, torch.get_rng_state()

    plain, plain_optimizer, plain_stream = fit(False)
    recorded, optimizer, stream = fit(True)
    assert plain.state_dict().keys() == recorded.state_dict().keys()
    for name, value in plain.state_dict().items():
        assert torch.equal(value, recorded.state_dict()[name]), name
    assert torch.equal(plain_stream, stream)
    for parameter, twin in zip(plain.parameters(), recorded.parameters(), strict=True):
        for key, value in plain_optimizer.state[parameter].items():
            assert torch.equal(value, optimizer.state[twin][key])
    assert recorded.training


def test_cosines_are_those_of_weights_without_biases_on_labelled_tasks() -> None:
    model = Net(dropout=0.0)
    recorder = AffinityRecorder(model, losses_of(model), model.trunk.parameters(), lr=0.1)
    (batch,) = batches(1)
    batch.is_known[:, 3] = False
    recorder.step(batch)
    weights = [p for p in model.trunk.parameters() if p.ndim > 1]
    rows = []
    for i in range(3):
        parts = torch.autograd.grad(losses_of(model)(batch)[i], weights)
        rows.append(torch.cat([part.flatten() for part in parts]))
    expected = torch.nn.functional.cosine_similarity(
        torch.stack(rows)[:, None], torch.stack(rows)[None], dim=2
    )
    np.testing.assert_allclose(recorder.cosine_[:3, :3], expected.numpy(), atol=1e-6)
    assert np.isnan(recorder.cosine_[3]).all()


def test_records_every_nth_step_and_means_over_those_with_labels() -> None:
    model = Net()
    recorder = AffinityRecorder(model, losses_of(model), model.trunk.parameters(), lr=0.1, every=3)
    for step, batch in enumerate(batches(8)):
        if step == 3:
            batch.is_known[:, 1] = False
        recorder.step(batch)
    np.testing.assert_array_equal(recorder.steps_, [0, 3, 6])
    assert recorder.history_.shape == (3, N_TASKS, N_TASKS)
    counts = np.full((N_TASKS, N_TASKS), 3)
    counts[1, :] = counts[:, 1] = 2
    np.fill_diagonal(counts, 0)
    np.testing.assert_array_equal(recorder.counts_, counts)
    np.testing.assert_allclose(recorder.affinity_[0, 1], recorder.history_[[0, 2], 0, 1].mean())
    assert np.isnan(np.diagonal(recorder.affinity_)).all()


def test_pairs_never_seen_together_are_missing() -> None:
    model = Net()
    recorder = AffinityRecorder(model, losses_of(model), model.trunk.parameters(), lr=0.1, every=1)
    for batch in batches(4):
        batch.is_known[:, [2, 3]] = False
        recorder.step(batch)
    is_missing = np.ones((N_TASKS, N_TASKS), dtype=bool)
    is_missing[0, 1] = is_missing[1, 0] = False
    np.testing.assert_array_equal(np.isnan(recorder.affinity_), is_missing)


def test_a_loss_that_is_not_positive_is_missing_counted_and_said_once() -> None:
    model = nn.ParameterDict({"w": nn.Parameter(torch.ones(1))})

    def zero_negative_proper(batch: None) -> Tensor:
        return torch.cat([model["w"] * 0, -model["w"], model["w"] ** 2])

    recorder = AffinityRecorder(model, zero_negative_proper, model.values(), lr=0.1, every=1)
    with pytest.warns(UserWarning, match="4 affinities of this batch are undefined"):
        recorder.step(None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recorder.step(None)
    np.testing.assert_array_equal(recorder.undefined_, [[0, 2, 2], [2, 0, 2], [0, 0, 0]])
    assert np.isnan(recorder.affinity_[:2]).all()
    # The step on the negative loss −w leads to 1.1, so w² = 1.21.
    np.testing.assert_allclose(recorder.affinity_[2, :2], [0, -0.21], atol=1e-6)


def test_learning_rate_follows_the_optimizer() -> None:
    model = Net(dropout=0.0)
    (batch,) = batches(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.2)
    follows = AffinityRecorder(
        model, losses_of(model), model.trunk.parameters(), optimizer=optimizer
    )
    optimizer.param_groups[0]["lr"] = 0.05
    fixed = AffinityRecorder(model, losses_of(model), model.trunk.parameters(), lr=0.05)
    np.testing.assert_array_equal(follows.step(batch).affinity_, fixed.step(batch).affinity_)


class TestBadInput:
    def recorder(self, **changes: object) -> AffinityRecorder:
        model = Net()
        arguments = {"losses": losses_of(model), "shared": model.trunk.parameters(), "lr": 0.1}
        return AffinityRecorder(model, **(arguments | changes))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"lr": None}, "lr must be given, or an optimizer"),
            ({"lr": 0.0}, "lr must be positive, got 0.0"),
            ({"every": 0}, "every must be at least 1, got 0"),
            ({"mode": "fast"}, "mode must be one of paper, released, got 'fast'"),
            ({"heads_step": "x"}, "heads_step must be one of fixed, stepped"),
            ({"mode": "released"}, "optimizer must be given with mode='released'"),
            ({"shared": []}, "without shared parameters one task cannot affect another"),
            ({"shared": [nn.Parameter(torch.ones(1))]}, "shared must hold trainable parameters"),
            ({"chunk_size": 0}, "chunk_size must be at least 1, got 0"),
        ],
    )
    def test_at_construction(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            self.recorder(**changes)

    @pytest.mark.parametrize(
        ("losses", "message"),
        [
            (lambda _: torch.ones(1), r"K at least 2, got \(1,\)"),
            (lambda _: torch.ones(()), r"K at least 2, got \(\)"),
            (lambda _: 1.0, "got float"),
            (lambda _: torch.full((3,), torch.nan), "the batch holds no label"),
            (lambda _: torch.ones(3), "losses must depend on the model's"),
        ],
        ids=["one task", "a sum", "no tensor", "no labels", "no gradient"],
    )
    def test_of_losses(self, losses: Callable[[Batch], Tensor], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            self.recorder(losses=losses).step(None)

    def test_losses_that_hold_on_to_a_parameter_of_their_own(self) -> None:
        model = Net()
        weight = model.trunk[0].weight
        recorder = self.recorder(losses=lambda _: weight.sum(dim=1))
        with pytest.raises(ValueError, match="reading its parameters at each call"):
            recorder.step(None)

    @pytest.mark.parametrize("source", [set(), {4}, {-1, 0}])
    def test_sources_outside_the_tasks(self, source: set[int]) -> None:
        (batch,) = batches(1)
        with pytest.raises(ValueError, match=r"sources must be sets of tasks in 0 \.\. 3"):
            self.recorder(sources=[source]).step(batch)

    def test_nothing_recorded(self) -> None:
        with pytest.raises(ValueError, match="nothing is recorded yet"):
            self.recorder().affinity_  # noqa: B018

    def test_two_learning_rates(self) -> None:
        model = Net()
        parameters = list(model.parameters())
        groups = [{"params": parameters[:1], "lr": 0.1}, {"params": parameters[1:], "lr": 0.2}]
        recorder = AffinityRecorder(
            model,
            losses_of(model),
            model.trunk.parameters(),
            optimizer=torch.optim.SGD(groups),
        )
        (batch,) = batches(1)
        with pytest.raises(ValueError, match="one learning rate for all shared parameters"):
            recorder.step(batch)
