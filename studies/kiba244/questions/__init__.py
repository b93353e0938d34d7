"""One module a question; each has `answer()`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))  # for `lab`
