"""The yardstick: one fit at a time in a tight PyTorch loop, sparse where PyTorch can be."""

import warnings

import numpy as np
import torch
from scipy.sparse import csr_array
from torch.nn.functional import binary_cross_entropy_with_logits, dropout

from cotrain.allocation import Fit
from cotrain.scores import score_tasks
from cotrain.tasks import TaskTable
from cotrain.training._problem import Labels, Problem
from cotrain.training.network import NetworkSettings

warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")


class _SparseProduct(torch.autograd.Function):
    """X @ weight with X sparse: both passes are products of a sparse by a dense matrix."""

    @staticmethod
    def forward(context, weight, rows):
        context.rows = rows
        return _tensor(rows) @ weight

    @staticmethod
    def backward(context, gradient):
        return _tensor(context.rows.T.tocsr()) @ gradient, None


def _tensor(rows: csr_array) -> torch.Tensor:
    parts = (rows.indptr, rows.indices, rows.data)
    return torch.sparse_csr_tensor(
        *(torch.from_numpy(part) for part in parts), size=rows.shape, check_invariants=False
    )


def train_loop(table: TaskTable, fit: Fit, model: NetworkSettings) -> np.ndarray:
    """The test scores of a binary fit, (n_members, len(SCORES)); validation is scored as well."""
    problem = Problem.of(table, fit)
    torch.manual_seed(fit.seed)
    n_units, n_members = model.hidden[0], problem.members.size
    weight = torch.nn.init.xavier_uniform_(torch.empty(table.n_features, n_units))
    bias, head_bias = torch.full((n_units,), 0.1), torch.zeros(n_members)
    heads = torch.nn.init.uniform_(torch.empty(n_units, n_members), -1, 1)
    heads *= (6 / (n_units + 1)) ** 0.5
    parameters = [part.requires_grad_() for part in (weight, bias, heads, head_bias)]
    adam = torch.optim.Adam(parameters, lr=model.learning_rate, fused=True)
    train = problem.train
    size = model.batch_size(train.rows.size)
    rng = np.random.default_rng(fit.seed)

    def outputs(labels: Labels, batch: np.ndarray, rate: float) -> tuple[torch.Tensor, np.ndarray]:
        at, row = labels.within(batch)
        hidden = _SparseProduct.apply(weight, table.features[labels.rows[batch]]) + bias
        every = dropout(torch.relu(hidden), rate, training=rate > 0) @ heads + head_bias
        member = labels.member[at].astype(np.int64)
        return every[torch.from_numpy(row), torch.from_numpy(member)], at

    for epoch in range(model.epochs):
        for group in adam.param_groups:
            group["lr"] = model.rate(epoch)
        order = rng.permutation(train.rows.size)
        for first in range(0, order.size, size):
            batch = order[first : first + size]
            output, at = outputs(train, batch, model.dropout)
            target = torch.from_numpy(train.truth[at])
            loss = binary_cross_entropy_with_logits(output, target, reduction="sum") / batch.size
            adam.zero_grad()
            loss.backward()
            adam.step()
    scores = []
    with torch.no_grad():
        for labels in (problem.validation, problem.test):
            batches = np.array_split(np.arange(labels.rows.size), max(1, labels.rows.size // 4096))
            output = torch.cat([outputs(labels, batch, 0.0)[0] for batch in batches])
            scores.append(
                score_tasks(labels.member, labels.truth, output.numpy(), problem.is_binary)
            )
    return scores[1]
