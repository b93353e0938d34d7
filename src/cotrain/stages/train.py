"""The fits of one plan."""

from cotrain.allocation import Plan
from cotrain.stages._sweep import Workbench
from cotrain.study import Study
from cotrain.training import save_fit_table


def run(study: Study, plan_name: str) -> str:
    bench = Workbench.of(study)
    plan = Plan.load(study.plan(plan_name))
    rows = bench.train(plan)
    save_fit_table(study.fits(plan_name), rows)
    return f"{plan_name}: {len(plan)} fits, {len(rows)} rows"
