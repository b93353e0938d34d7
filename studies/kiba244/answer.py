"""Answer one of the study's questions: `python answer.py together`.

Writes `answers/<question>/`: every figure (figures.json), a picture, and tables by target. Render
the document from them with render.py.
"""

import importlib
import sys

from _fits import STUDY
from matplotlib import rc_context

from cotrain.files import write_csv, write_json


def main(question: str) -> None:
    found = importlib.import_module(f"questions.{question}").answer()
    folder = STUDY.folder / "answers" / question
    write_json(folder / "figures.json", found.figures)
    for name, table in found.tables.items():
        write_csv(folder / f"{name}.csv", table)
    if found.picture is not None:
        with rc_context({"svg.hashsalt": "cotrain"}):
            found.picture.savefig(folder / "picture.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
