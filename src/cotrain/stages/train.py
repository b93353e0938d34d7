"""The fits of the plans, round by round where subsets are chosen so."""

from cotrain.allocation import Plan
from cotrain.analysis import next_round
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.training import save_fit_table

PLANS = ("subsets", "placebo", "augmentations")


def run(study: Study, plan: str | None = None) -> str:
    """Train one plan, or all."""
    trainer = Trainer.of(study)
    return "\n".join(_train(trainer, name) for name in (PLANS if plan is None else (plan,)))


def _train(trainer: Trainer, plan: str) -> str:
    study, known = trainer.study, trainer.learners.identities()
    fits = Plan.load(study.plan(plan))
    rows = trainer.train(fits)
    while len(grown := next_round(fits, rows, trainer.table, trainer.data_version, known)) > len(
        fits
    ):
        fits, rows = grown, trainer.train(grown)
    trainer.log(fits, rows)
    save_fit_table(study.fits(plan), rows)
    return f"{plan}: {len(fits)} fits, {len(rows)} rows"
