"""A batch of a watched fit as lookaheads need it."""

import numpy as np

from cotrain.gradients._network import LabelledBatch, Parameters
from cotrain.training.network.watching import BatchView, WatchedFit


def network_of(fit: WatchedFit) -> Parameters:
    """The fit's network as arrays, which change as it trains."""
    array = {name: value[0].numpy() for name, value in fit.parameters.items()}
    hidden = [
        (array[f"weight{depth}"], array[f"bias{depth}"][0]) for depth in range(len(fit.hidden))
    ]
    return Parameters(hidden, (array["head_weight"], array["head_bias"][0]))


def labelled(batch: BatchView) -> LabelledBatch:
    """The batch with its labels sorted by task."""
    train = batch.fit.problem.train
    label, row = batch.labels()
    order = np.argsort(train.member[label], kind="stable")
    label, row = label[order], row[order]
    first = batch.first_sums()
    products = (batch.features @ batch.features.T).toarray()
    return LabelledBatch(
        first=first,
        products=products.astype(first.dtype, copy=False),
        keep=batch.keep(),
        row=row,
        task=train.member[label].astype(np.int64),
        target=batch.fit.problem.targets(train)[label],
        is_binary=batch.fit.problem.is_binary,
    )
