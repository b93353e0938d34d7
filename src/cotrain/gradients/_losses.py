import torch
from torch import Tensor


def masked_mean(values: Tensor, is_known: Tensor) -> Tensor:
    """Mean of each column over its known entries, Tensor (K,); NaN for a column without any.

    Gradients stay finite beside a column without known entries, which they do not with `nanmean`
    or a division by a count of zero.

    Parameters
    ----------
    values : Tensor, (N, K)
        Such as the loss of each example on each task; finite also where unknown.
    is_known : Tensor of bool, (N, K)
        Which entries count.
    """
    counts = is_known.sum(dim=0)
    means = torch.where(is_known, values, 0).sum(dim=0) / counts.clamp(min=1)
    return torch.where(counts > 0, means, torch.nan)
