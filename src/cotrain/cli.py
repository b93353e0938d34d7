"""The command line: one subcommand a stage, and a few around them."""

import errno
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import click

from cotrain import __version__
from cotrain.doctor import remove_leftovers
from cotrain.exceptions import CotrainError, masked
from cotrain.imports import importing
from cotrain.lifetime import end_with_dvc, one_writer
from cotrain.progress import Progress
from cotrain.study import Study

_DEBUG = "COTRAIN_DEBUG"
_PATH, _FOLDER = click.Path(path_type=Path), click.Path(path_type=Path, file_okay=False)
# What a disk or its owner refuses, whoever was reading or writing, and what to do.
_REFUSED = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free space"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "allow it, or name another place"),
    errno.ENAMETOOLONG: "choose a shorter name",
}


class _InOrder(click.Group):
    """Lists `init`, then the stages as they run, then what is around them."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return sorted(self.commands, key=lambda name: name != "init")


@click.group(
    cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(__version__)
@click.option(
    "-C", "--study", "folder", type=_FOLDER, default=".", show_default=False,
    help="The study's folder.  [default: this folder]",
)  # fmt: skip
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cotrain(context: click.Context, folder: Path, debug: bool) -> None:
    """Measure which tasks to train together, which hurt each other, and where labels pay.

    A study is a folder with a dvc.yaml and a params.yaml: make one with `cotrain init FOLDER`, run
    it with `dvc repro`. The stages `fetch` to `report` are what `dvc repro` calls, in this order.
    """
    if debug:
        os.environ[_DEBUG] = "1"
    context.obj = Study(folder)
    # Before NumPy is loaded. Its matrices are small here: threads that wait for each other cost
    # more than they save, and the order of sums, so the last digits, would be the machine's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Where a trunk of one's own is looked for, as in the folder that one is in.
    if (here := str(folder.resolve())) not in sys.path:
        sys.path.append(here)


def _run_stage(study: Study, name: str, **arguments: Any) -> None:
    with importing():
        _ = study.settings  # A mistake in params.yaml is told before anything is done.
        # Imported here, so that `--help` does not wait for torch and MLflow.
        stage = importlib.import_module(f"cotrain.stages.{name}")
    gc.freeze()  # What is imported stays: it need not be searched again and again.
    end_with_dvc()
    reads = name in ("check", "summary")
    with nullcontext() if reads else one_writer(study.home), Progress(name):
        if not reads:
            remove_leftovers(study)
        said = stage.run(study, **arguments)
    click.echo(said)


def _running(name: str) -> Callable[..., None]:
    return click.pass_obj(lambda study, **arguments: _run_stage(study, name, **arguments))


_PLAN: click.Parameter = click.Argument(
    ["plan"], type=click.Choice(["subsets", "placebo", "augmentations"]), required=False
)
_BUDGET: click.Parameter = click.Option(
    ["--budget"], help="Of each learner, such as 5min.  [default: `tune.budget`]"
)
_OUT: click.Parameter = click.Option(["--out"], default="models", help="In the study's folder.")
for _name, _said, *_params in (
    ("fetch", "Bring the measurements from their source."),
    ("prepare", "Make the task table: features, labels, folds."),
    ("tune", "Find each learner's settings for single tasks, groups and all together.", _BUDGET),
    ("plan", "List the fits to train."),
    ("train", "Train the fits of PLAN, or of all plans, that are not yet recorded.", _PLAN),
    ("affinity", "Record gradient affinities along all-together fits."),
    ("analyze", "Fit surrogates and learning curves to the runs."),
    ("group", "Search the best grouping of the tasks."),
    ("validate", "Train the grouping and its rivals with fresh seeds; compare on test labels."),
    ("report", "Write the report, its figures and the key figures."),
    ("summary", "Print the main findings."),
    ("check", "Hold the settings against the data that is there, and change nothing."),
    (
        "export",
        "Train the recommended portfolio on all labels; write and register the models.",
        _OUT,
    ),
    ("restore", "Bring MLflow in line with the fit tables, without training."),
):
    cotrain.add_command(click.Command(_name, callback=_running(_name), params=_params, help=_said))


@cotrain.command()
@click.argument("models", type=_PATH)
@click.argument("examples", type=_PATH)
@click.option("--out", type=_PATH, default="predictions.csv", help="The file to write.")
@click.option("--smiles", help="The column of SMILES.  [default: as in training]")
@click.option("--id", "id_column", help="A column that is copied to the predictions.")
@click.option("--features", type=_PATH, help="The file of the examples' images.")
@click.option(
    "--coverage",
    type=click.Choice(["0.8", "0.9", "0.95"]),
    default="0.9",
    help="Share of values that the intervals of real-valued tasks hold.",
)
@click.option("--short", is_flag=True, help="Values alone, without intervals and spreads.")
def predict(coverage: str, **options: Any) -> None:
    """Predict every task for the EXAMPLES of a table with exported MODELS."""
    from cotrain.serving import predict_file

    with Progress("predict"):
        found = predict_file(**options, coverage=float(coverage))
    for line in (*found.warnings, *found.problems):
        click.echo(line, err=True)
    click.echo(found.note)


@cotrain.command()
@click.option("--yes", is_flag=True, help="Mend what is found without asking.")
@click.pass_obj
def doctor(study: Study, yes: bool) -> None:
    """Look for what a kill or a full disk can leave broken, and mend it after asking."""
    from cotrain.doctor import examine

    _ = study.settings
    with one_writer(study.home):
        found = examine(study)
        for finding in found:
            click.echo(f"{finding.wrong}; {finding.remedy}")
        if not found:
            click.echo("nothing is broken")
        elif yes or (sys.stdin.isatty() and click.confirm(f"Mend all {len(found)}?")):
            for finding in found:
                finding.mend()
            click.echo(f"{len(found)} mended")
        else:
            click.echo("nothing was changed; `cotrain doctor --yes` mends it")


@cotrain.command()
@click.argument("table", type=_PATH)
@click.option("--votes", multiple=True, required=True, help="Columns of votes, * for any letters.")
@click.option("--label", required=True, help="The column of true classes.")
@click.option("--features", required=True, help="text:a | columns:a,b | given:file | images:file")
@click.option("--split", help="The column of train, valid and test.  [default: the one that is]")
@click.option(
    "--id", "id_column", help="The column that names the examples.  [default: the one that does]"
)
@click.option(
    "--by",
    type=click.Choice(["accuracy", "log_probability"]),
    default="accuracy",
    help="What functions are chosen by, on validation labels.",
)
@click.option("--seed", default=0)
@click.option("--out", type=_PATH, default="votes", help="Folder for the tables.")
def votes(
    table: Path, by: Literal["log_probability", "accuracy"], seed: int, out: Path, **how: Any
) -> None:
    """Tell which labelling functions of a TABLE help, and whether to train on them.

    The functions vote for classes where they do not abstain (blank or -1); true classes are needed
    on rows of valid, which choose, and of test, which report.
    """
    from cotrain.votes import compare, read_votes, write_report

    read = read_votes(table, **how)
    with Progress("votes"):
        said = write_report(read, compare(read, by, seed), out)
    click.echo(said)


@cotrain.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Port on this machine.")
@click.pass_obj
def ui(study: Study, port: int) -> None:
    """Open MLflow's pages on this machine, at a ready dashboard."""
    from cotrain.tracking import serve

    serve(study.home, port)


@cotrain.command()
@click.argument("folder", type=_FOLDER)
@click.option("--csv", type=_PATH, help="Your table: CSV, Excel, Parquet, SDF.")
@click.option("--smiles", help="The column of SMILES.")
@click.option("--tasks", multiple=True, help="Columns to learn, * for any letters; no others.")
@click.option("--ignore", multiple=True, help="Columns to leave out.")
@click.option("--id", help="The column that names the examples.")
@click.option("--split", help="A column of train, valid and test, or of fold numbers.")
@click.option("--date", help="A column of dates or years: folds in the order of time.")
@click.option("--layout", type=click.Choice(["wide", "long"]), help="Long: a row a measurement.")
@click.option("--task-column", multiple=True, help="Long: the column that names the task.")
@click.option("--value-column", help="Long: the column of values.")
@click.option("--tasks-by", multiple=True, help="Groups of rows are tasks: columns that name them.")
@click.option("--label", help="With --tasks-by: the column to learn.")
@click.option("--target", multiple=True, help="The tasks of interest; others are sources.")
@click.option("--features", help="molecules | columns:a,b | text:a | given:file | images:file")
@click.option("--trunk", help="A PyTorch trunk of yours: file.py:factory.")
def init(folder: Path, csv: Path | None, **options: Any) -> None:
    """Make a study in FOLDER, ready for `dvc repro`."""
    from cotrain.init import Wishes, make_study

    options["task_columns"] = options.pop("task_column")
    with Progress("init"):
        said = make_study(folder, csv, Wishes(**options))
    click.echo(said)


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    try:
        cotrain(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CotrainError as error:
        if os.environ.get(_DEBUG):
            click.echo(masked(traceback.format_exc()), err=True)
        click.echo(f"cotrain: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if (todo := _REFUSED.get(error.errno or 0)) is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"cotrain: {where}{error.strerror}; {todo} and run again", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(cause := error.__cause__, EOFError):  # which Click takes for Ctrl-D
            from cotrain.files import remove_cut_bytecode

            if not remove_cut_bytecode(cause):
                raise cause from None
            main()
            return
        click.echo("cotrain: stopped; finished fits are kept", err=True)
        sys.exit(130)
