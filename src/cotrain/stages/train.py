"""The fits of one plan, round by round where its subsets are chosen so."""

from cotrain.allocation import Plan
from cotrain.analysis import next_round
from cotrain.stages._sweep import Workbench
from cotrain.study import Study
from cotrain.training import save_fit_table


def run(study: Study, plan_name: str) -> str:
    bench = Workbench.of(study)
    model = study.settings.model.identity()
    plan = Plan.load(study.plan(plan_name))
    rows = bench.train(plan)
    while len(grown := next_round(plan, rows, bench.table, bench.data_version, model)) > len(plan):
        plan, rows = grown, bench.train(grown)
    bench.log(plan, rows)
    save_fit_table(study.fits(plan_name), rows)
    return f"{plan_name}: {len(plan)} fits, {len(rows)} rows"
