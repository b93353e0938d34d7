"""What `cotrain init` says of a table."""

from cotrain.init._proposal import Proposal

_SHOWN = 40


def described(found: Proposal) -> str:
    """Return a table of the columns, what each was taken for and why, and what else was guessed."""
    rows = [("column", "taken for", "values", "why")]
    shown = found.columns
    if len(shown) > _SHOWN:
        # Of hundreds of tasks alike a few say enough.
        odd = [column for column in shown if column.role != "task"][:_SHOWN]
        tasks = [column for column in shown if column.role == "task"][: _SHOWN // 4]
        shown = [column for column in shown if column in odd or column in tasks]
    for column in shown:
        role = f"{column.role} {column.kind}" if column.kind else column.role
        rows.append((_cut(column.name), role, str(column.n_known), _cut(column.why, 60)))
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if len(found.columns) > len(shown):
        lines.append(f"... and {len(found.columns) - len(shown)} columns more")
    if found.fetch["layout"] == "long":
        names = ", ".join(_cut(name, 30) for name in found.tasks[:8])
        more = f" and {len(found.tasks) - 8} more" if len(found.tasks) > 8 else ""
        lines.append(f"{len(found.tasks)} tasks: {names}{more}")
    lines += [f"note: {_cut(note, 200)}" for note in found.notes[:20]]
    if len(found.notes) > 20:
        lines.append(f"... and {len(found.notes) - 20} notes more")
    lines.append("change what is wrong by --tasks, --ignore, --id, --split or in params.yaml")
    return "\n".join(lines) + "\n"


def _cut(text: str, width: int = 40) -> str:
    """A name on one line, its middle left out if it is long."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 11]}...{text[-8:]}"
