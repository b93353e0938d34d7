"""Losses of tasks with gaps, and one loss out of several."""

import torch
from torch import Tensor, nn


def masked_mean(values: Tensor, is_known: Tensor) -> Tensor:
    """Mean of each column over its known entries, Tensor (K,); NaN for a column without any.

    Of values (N, K) such as losses, finite also where they are not known. Gradients stay finite
    beside a column without known entries, which they do not with `nanmean` or a division by a count
    of zero.
    """
    counts = is_known.sum(dim=0)
    means = torch.where(is_known, values, 0).sum(dim=0) / counts.clamp(min=1)
    return torch.where(counts > 0, means, torch.nan)


class UncertaintyWeighting(nn.Module):
    """One loss out of K, weighted by learned uncertainties (arXiv 1705.07115, equation 10).

    sum_i exp(−s_i) L_i + s_i / 2 for classification losses, s_i = log σ_i² a trainable parameter
    that starts at 0. Its parameters belong into the optimiser.

    Parameters
    ----------
    n_tasks : int
        K.

    Attributes
    ----------
    log_variances : nn.Parameter, (K,)
        The s_i.
    """

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(n_tasks))  # the s_i, (K,)

    def forward(self, losses: Tensor) -> Tensor:
        """The weighted sum of losses, (K,), divided by the number of tasks with labels.

        NaN, of tasks without labels, counts for none.
        """
        labelled = ~losses.isnan()
        s = self.log_variances[labelled]
        return (torch.exp(-s) * losses[labelled] + s / 2).mean()
