"""The fits of one plan, round by round where its subsets are chosen so."""

from cotrain.allocation import Plan
from cotrain.analysis import next_round
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.training import save_fit_table


def run(study: Study, plan_name: str) -> str:
    trainer = Trainer.of(study)
    known = trainer.learners.identities()
    plan = Plan.load(study.plan(plan_name))
    rows = trainer.train(plan)
    while len(grown := next_round(plan, rows, trainer.table, trainer.data_version, known)) > len(
        plan
    ):
        plan, rows = grown, trainer.train(grown)
    trainer.log(plan, rows)
    save_fit_table(study.fits(plan_name), rows)
    return f"{plan_name}: {len(plan)} fits, {len(rows)} rows"
