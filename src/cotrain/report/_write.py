"""The report's files: the page, the figures, the key figures."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from cotrain.files import write_json, write_text
from cotrain.report import _pictures, _sentences, _tables, _transfer_sentences
from cotrain.report._answers import answers
from cotrain.report._findings import Findings
from cotrain.report._metrics import key_figures
from cotrain.report._words import count, number, score_name


def write_report(findings: Findings, folder: Path) -> None:
    """Write report.html, figures/*.svg and metrics.json into `folder`.

    The page needs no other file, no network and no JavaScript. The same findings give the same
    bytes. Figures of an earlier report that this one does not have are removed.

    Raises
    ------
    CotrainError
        If the folder cannot be written to.
    """
    matrices = _pictures.pair_matrices(findings)
    pictures = _pictures.pictures_of(findings, matrices)
    page = Environment(
        loader=PackageLoader("cotrain.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template("report.html")
    text = page.render(
        findings=findings,
        answers=answers(findings),
        matrices=matrices,
        pictures=pictures,
        figures=_pictures,
        say=_sentences,
        transfer=_transfer_sentences,
        tables=_tables,
        count=count,
        number=number,
        score_name=score_name,
    )
    figures = folder / "figures"
    for picture in pictures.values():
        write_text(figures / f"{picture.name}.svg", picture.svg)
    for stale in set(figures.glob("*.svg")) - {figures / f"{name}.svg" for name in pictures}:
        stale.unlink()
    write_json(folder / "metrics.json", key_figures(findings))
    write_text(folder / "report.html", text)
