from cotrain.training.network._settings import RecipeSettings


def batch_size(model: RecipeSettings, n_rows: int) -> int:
    """Rows of a minibatch of a fit with `n_rows` rows."""
    return max(model.min_batch_size, round(model.batch_fraction * n_rows))


def learning_rate(model: RecipeSettings, epoch: int) -> float:
    """The learning rate in `epoch`, counted from 0."""
    n_decays = sum(epoch >= after for after in model.decay_epochs)
    return float(model.learning_rate * model.decay_factor**n_decays)
