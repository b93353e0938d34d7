"""The report's files: the page, the figures, the key figures."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from cotrain.files import write_json, write_text
from cotrain.report._answers import answers
from cotrain.report._findings import Findings
from cotrain.report._metrics import Metrics, key_figures
from cotrain.report._sections import sections_of


def write_report(findings: Findings, folder: Path) -> Metrics:
    """Write report.html, figures/*.svg and metrics.json into `folder`; return the key figures.

    The page needs no other file, no network and no JavaScript. The same findings give the same
    bytes. Figures of an earlier report that this one does not have are removed.

    Raises
    ------
    CotrainError
        If the folder cannot be written to.
    """
    sections = sections_of(findings)
    page = Environment(
        loader=PackageLoader("cotrain.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template("report.html")
    text = page.render(answers=answers(findings), sections=sections)
    pictures = {one.name: one for section in sections for one in section.pictures}
    figures = folder / "figures"
    for picture in pictures.values():
        write_text(figures / f"{picture.name}.svg", picture.svg)
    for stale in set(figures.glob("*.svg")) - {figures / f"{name}.svg" for name in pictures}:
        stale.unlink()
    metrics = key_figures(findings)
    write_json(folder / "metrics.json", metrics)
    write_text(folder / "report.html", text)
    return metrics
