"""Every table between the stages. Scores have their natural sign; more gain is better."""

from collections.abc import Sequence

from cotrain.tables._contract import Column, Stage, Table, Type
from cotrain.tables._votes import VOTES


def _columns(of: Type, **meanings: str) -> list[Column]:
    return [Column(name, of, meaning) for name, meaning in meanings.items()]


def _table(name: str, stage: Stage, row: str, *columns: Sequence[Column]) -> Table:
    return Table(name, stage, row, [column for some in columns for column in some])


_TASK = _columns("name", task="the task")
_TARGET = _columns("name", target="the task whose score changes")
_SOURCE = _columns("name", source="the task that it is trained with")
_AUXILIARY = _columns("name", auxiliary="the task with one training fold more")
_INTERVAL = _columns("number", low="lower end of the 95 % interval", high="upper end")
_P = _columns("number", p_value="of there being no effect, corrected for the number of tests")
_VERDICT = _columns("word", verdict="helps, hurts, undecided or unknown")
_WITHHELD = _columns("word", withheld="why a verdict became undecided: no skill or placebo")
_COSTS = _columns(
    "number",
    n_models="models; the mean where several ways have one name, as below",
    n_labels="labels trained on in one repeat; one in two models counts twice",
    seconds="seconds of one repeat on one core, by the cost model",
)
_RATE = _columns(
    "number", exchange_rate="labels of the target that one label of the other is worth"
)
_CURVE = _columns(
    "number",
    c="the score that the curve rises to",
    b="logarithm of the gap to it without labels",
    a_own="what a label of the task closes of the gap",
    a_others="what a label of another closes; unknown where there is none",
)
_BOUND = _columns("word", at_bound="parameters that ended at a bound, by name")
_PAIRWISE = (
    _columns("number", effect="gain from one fold more of the auxiliary"),
    _INTERVAL,
    _P,
    _VERDICT,
    _columns("number", repeats_to_decide="repeats that would decide it; unknown if none would"),
    _WITHHELD,
)
_WAY = _columns(
    "word",
    grouping="the way to predict",
    score="the score",
    calibration="of predictions that are raw or recalibrated",
)
_FOUND = (
    *_columns("number", difference="gain of the recommended way over this one"),
    *_INTERVAL,
    *_P,
)
_CHOSEN = (
    _columns("number", value="predicted mean score over tasks"),
    _columns("integer", n_groups="groups in it"),
    _columns("word", groups="its groups, as places of tasks"),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table(
            "summary",
            "prepare",
            "a step from the measurements to the task table",
            _columns("word", item="what is counted"),
            _columns("number", count="how many; empty where it does not apply"),
        ),
        _table(
            "fold_counts",
            "prepare",
            "a task and fold",
            _TASK,
            _columns("integer", fold="the fold, from 0", n_labels="labels in it"),
            _columns("number", n_positive="positive ones; empty for real-valued tasks"),
        ),
        _table(
            "excluded",
            "prepare",
            "a task left out",
            _TASK,
            _columns("integer", n_labels="labels that it had"),
            _columns("name", reason="why"),
        ),
        _table(
            "rejects",
            "prepare",
            "a row of the source left out",
            _columns("name", file="the source's file"),
            _columns("integer", row="its row"),
            _columns("name", example="the example as the source has it", reason="why"),
        ),
        _table(
            "conflicts",
            "prepare",
            "an example and task whose repeated values would be labelled differently",
            _columns("name", example="the example", task="the task"),
            _columns("integer", n_values="repeated values"),
            _columns("number", lowest="of them", median="of them", highest="of them"),
            _columns("number", label="what it got; empty for none"),
        ),
        _table(
            "transfer",
            "analyze",
            "a task",
            _TASK,
            _columns("number", single="score alone", together="score with all others"),
            _columns("number", gain="of together over single"),
            _INTERVAL,
            _P,
            _VERDICT,
            _WITHHELD,
        ),
        _table(
            "relevance",
            "analyze",
            "an ordered pair of tasks",
            _TARGET,
            _SOURCE,
            _columns(
                "number", relevance="gain of the target when the source joins, linear surrogate"
            ),
            _INTERVAL,
            _P,
            _VERDICT,
            _columns("integer", n_together="subsets that hold both"),
            _columns("number", standard_error="of the relevance"),
            _WITHHELD,
        ),
        _table(
            "task_skill",
            "analyze",
            "a task",
            _TASK,
            _columns("number", d2="of the better of alone and all together, on validation labels"),
            _columns("number", p_value="of it not being above 0"),
            _columns("flag", skilled="whether it is better than the base rate"),
        ),
        _table(
            "subset_scores",
            "analyze",
            "a subset, repeat and target: what surrogates are fitted to",
            _columns("name", members="the subset, as the fit table's bit mask"),
            _columns("integer", repeat="the repeat"),
            _TARGET,
            _columns("number", score="its validation score"),
        ),
        _table(
            "surrogates",
            "analyze",
            "a target",
            _TARGET,
            _columns("number", intercept="score of the task alone, by the linear surrogate"),
            _columns("integer", n_subsets="subsets of two tasks and more that score it"),
            _columns(
                "number",
                reliability="of the subsets' gains",
                spearman="of predicted and measured gains in a fresh repeat",
                ceiling="what it would be without errors of prediction",
                adequacy_p="p-value of the linear surrogate being adequate",
            ),
        ),
        _table(
            "predictions",
            "analyze",
            "a held-out subset and target",
            _TARGET,
            _columns("name", members="the subset's tasks, with + between"),
            _columns(
                "number",
                measured="gain over the target alone",
                predicted="the same by the surrogate",
                probability="of harm, by the surrogate",
            ),
            _columns("flag", harmful="whether the gain is negative"),
        ),
        _table(
            "negative_transfer",
            "analyze",
            "a way to foresee which held-out subsets harm",
            _columns("word", predictor="what foresees"),
            _columns(
                "number",
                f1="F1 of harm",
                balanced_accuracy="mean of both recalls",
                mcc="Matthews' correlation",
                average_precision="area under precision and recall",
            ),
            _columns("integer", n_subsets="cases judged", n_harmful="of them harmful"),
        ),
        _table(
            "pairwise",
            "analyze",
            "an ordered pair, over all levels",
            _TARGET,
            _AUXILIARY,
            *_PAIRWISE,
        ),
        _table(
            "pairwise_levels",
            "analyze",
            "an ordered pair and level",
            _TARGET,
            _AUXILIARY,
            _columns("integer", level="training folds of every task before the one fold more"),
            *_PAIRWISE,
        ),
        _table(
            "clusters",
            "analyze",
            "a cluster of tasks whose labels correlate; none below 20 tasks",
            _columns("name", tasks="its tasks, ` + ` between them"),
            _columns("integer", n_tasks="how many"),
            _columns(
                "number",
                effect="mean gain of a member from one fold more of another, beside what each "
                "gives and takes on average",
            ),
            _INTERVAL,
            _P,
            _VERDICT,
        ),
        _table(
            "curves",
            "analyze",
            "a task and form of learning curve",
            _TASK,
            _columns("word", form="EXP3.1, own labels alone, or EXP3.2, with those of others"),
            _CURVE,
            _RATE,
            _columns("number", error="root mean square over the scores"),
            _BOUND,
        ),
        _table(
            "pairwise_curves",
            "analyze",
            "an ordered pair of tasks",
            _TARGET,
            _columns("name", auxiliary="the other task"),
            _CURVE,
            _columns("number", a_auxiliary="what a label of the auxiliary closes"),
            _RATE,
            _BOUND,
            _columns("word", reason="why there is no curve; empty if there is one"),
        ),
        _table(
            "curve_points",
            "analyze",
            "a score that curves are fitted to",
            _TASK,
            _columns("word", kind="of the fit: single, together, subset, level, augmentation"),
            _columns(
                "integer",
                level="training folds of every task",
                repeat="the repeat",
                n_own="labels of the task trained on",
                n_others="labels of others",
            ),
            _columns("number", score="as measured", predicted="by EXP3.2"),
            _INTERVAL,
        ),
        _table(
            "affinity",
            "analyze",
            "an ordered pair; none for a learner without gradients",
            _TARGET,
            _SOURCE,
            _columns("number", affinity="gradient affinity", cosine="gradient cosine"),
            _columns("integer", n_steps="recorded steps that know it"),
        ),
        _table(
            "affinity_steps",
            "analyze",
            "a recorded training step; none for a learner without gradients",
            _columns("integer", step="the step, from 0"),
            _columns(
                "number",
                p05="5 % quantile over pairs",
                p25="25 %",
                p50="median",
                p75="75 %",
                p95="95 %",
            ),
            _columns("integer", n_pairs="pairs with an affinity there"),
            _columns("number", rank_correlation="of the pairs with their means over other steps"),
        ),
        _table(
            "costs",
            "analyze",
            "a measure of pairs",
            _columns("word", measure="the measure"),
            _columns("integer", n_fits="fits that it rests on"),
            _columns("number", gflop="operations / 10⁹", seconds="on one core, by the cost model"),
        ),
        _table(
            "exchange_rates",
            "analyze",
            "an ordered pair; none without a transfer model",
            _TARGET,
            _SOURCE,
            _RATE,
            _INTERVAL,
        ),
        _table(
            "next_labels",
            "analyze",
            "a task, the best first; none without a transfer model",
            _TASK,
            _columns("number", n_labels="labels at hand", gain="in the mean score from 100 more"),
            _INTERVAL,
            _columns("number", rank="from 1; unknown if the gain is"),
        ),
        _table(
            "trials",
            "group",
            "a trial of the search",
            _columns("integer", number="the trial, from 0"),
            *_CHOSEN,
            _columns("flag", warm_start="whether the search was given it"),
        ),
        _table("front", "group", "a number of groups that pays", *_CHOSEN),
        _table(
            "comparison",
            "validate",
            "a way to predict and score",
            _WAY,
            _COSTS,
            _columns("number", mean="test score, mean over tasks and repeats"),
            _columns("integer", n_tasks="tasks in it", n_repeats="repeats"),
            _FOUND,
            _columns("number", wins="tasks where the recommended way is better", loses="worse"),
        ),
        _table(
            "tasks",
            "validate",
            "a task, way to predict and score",
            _WAY,
            _TASK,
            _columns("number", mean="test score, mean over repeats"),
            _FOUND,
            _columns("word", verdict="wins, loses, undecided or unknown, of the recommended way"),
        ),
        _table(
            "portfolios",
            "validate",
            "a portfolio that could be recommended, the simplest first",
            _columns("word", portfolio="its name"),
            _columns("integer", n_models="models in it"),
            _columns(
                "number",
                d2="mean D² over tasks, on validation labels",
                behind="how far behind the best one it is",
                standard_error="of that",
            ),
            _columns("flag", chosen="whether it is recommended"),
        ),
        _table(
            "skill",
            "validate",
            "a task",
            _TASK,
            _columns("number", skill="D² of the best portfolio, on validation labels"),
            _columns("number", p_value="of there being no skill"),
            _columns("flag", skilled="whether it is better than the base rate"),
        ),
        _table(
            "weights",
            "validate",
            "a task and role",
            _TASK,
            _columns("word", role="the learner, and where it trains in several ways the way"),
            _columns("number", weight="its weight in the task's blend"),
        ),
        _table(
            "intervals",
            "validate",
            "a real-valued task and coverage, of the recommended portfolio",
            _TASK,
            _columns(
                "number",
                coverage="share of values that the interval is to hold",
                half_width="of the interval, in the labels' unit; unknown with too few examples",
            ),
            _columns("integer", n_examples="validation examples that it rests on"),
            _columns("number", test_coverage="share of test labels that it holds"),
        ),
        _table(
            "served",
            "validate",
            "a task and score, of the recommended portfolio",
            _TASK,
            _columns("word", score="the score"),
            _columns("number", mean="test score, mean over repeats"),
            _INTERVAL,
            _columns("integer", n_repeats="repeats"),
        ),
        *VOTES,
    )
}
