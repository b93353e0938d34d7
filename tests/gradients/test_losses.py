import torch

from cotrain.gradients import masked_mean


def test_masked_mean_is_the_mean_of_what_is_known() -> None:
    values = torch.tensor([[1.0, 2.0, 5.0], [3.0, 4.0, 7.0]])
    is_known = torch.tensor([[True, False, False], [True, True, False]])
    assert masked_mean(values, is_known)[:2].tolist() == [2.0, 4.0]
    assert masked_mean(values, is_known)[2].isnan()


def test_gradients_stay_finite_beside_a_column_without_labels() -> None:
    weight = torch.ones(3, requires_grad=True)
    is_known = torch.tensor([[True, False, False]])
    masked_mean(weight[None] ** 2, is_known)[0].backward()
    assert weight.grad.tolist() == [2.0, 0.0, 0.0]
