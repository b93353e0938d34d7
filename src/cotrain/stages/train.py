"""The fits of one plan, round by round where its subsets are chosen so."""

from cotrain.allocation import Plan
from cotrain.analysis import next_round
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.training import save_fit_table


def run(study: Study, plan: str) -> str:
    trainer = Trainer.of(study)
    known = trainer.learners.identities()
    fits = Plan.load(study.plan(plan))
    rows = trainer.train(fits)
    while len(grown := next_round(fits, rows, trainer.table, trainer.data_version, known)) > len(
        fits
    ):
        fits, rows = grown, trainer.train(grown)
    trainer.log(fits, rows)
    save_fit_table(study.fits(plan), rows)
    return f"{plan}: {len(fits)} fits, {len(rows)} rows"
