"""From matplotlib figures to SVG text: the same bytes on every run, readable in a page."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape

from matplotlib import font_manager, style
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from cotrain.words import shorten

# Okabe and Ito's colours, told apart by colour-blind eyes too.
HELPS, HURTS, UNDECIDED, INK = "#0072b2", "#d55e00", "#8c8c8c", "#222222"
COLOURS = {"helps": HELPS, "hurts": HURTS}
DIVERGING = LinearSegmentedColormap.from_list(
    "help and hurt", ["#8c3a00", HURTS, "#f6c9a3", "#ffffff", "#a6cfe8", HELPS, "#003f66"]
)

# More points than this are drawn as an image: a page of a hundred thousand marks opens slowly.
MAX_MARKS = 4000

# Text as paths: it looks the same on every machine; the page gives it in words and tables too.
_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "cotrain",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "text.parse_math": False,  # a task may be called $x$
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#777777",
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """One figure of the report, drawn when it is asked for."""

    name: str  # of the file, without its ending
    title: str
    build: Callable[[], Figure]

    @cached_property
    def svg(self) -> str:
        """The figure in the report's style."""
        buffer = io.StringIO()
        # Every setting from matplotlib's own defaults, so that no matplotlibrc changes anything.
        with style.context(["default", _STYLE]):
            metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
            # `savefig` would draw it twice, the first time to lay it out, as any drawing does.
            FigureCanvasSVG(self.build()).print_svg(buffer, metadata=metadata)
        return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())

    @property
    def inline(self) -> str:
        """The SVG as an element of a page: ids of its own, a name, no XML prologue."""
        body = self.svg[self.svg.index("<svg") :]
        body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
        body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}-", body)
        return body.replace("<svg", f'<svg role="img" aria-label="{escape(self.title)}"', 1)


def label(name: str, length: int = 28) -> str:
    """Return a name as a figure can show it: short, on one line, only of characters of the font."""
    known = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    return "".join(
        c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in shorten(name, length)
    )
