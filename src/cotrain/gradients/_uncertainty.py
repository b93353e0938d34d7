import torch
from torch import Tensor, nn


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
        self.log_variances = nn.Parameter(torch.zeros(n_tasks))

    def forward(self, losses: Tensor) -> Tensor:
        """The weighted sum, divided by the number of tasks with labels; NaN losses count for none.

        Parameters
        ----------
        losses : Tensor, (K,)
            NaN for tasks without labels.
        """
        labelled = ~losses.isnan()
        s = self.log_variances[labelled]
        return (torch.exp(-s) * losses[labelled] + s / 2).mean()
