import re
from pathlib import Path

import torch

PAGE = Path(__file__).parents[2] / "docs" / "gradients.md"


def test_the_page_runs_and_shows_what_it_says() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict = {}
    with torch.random.fork_rng():
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    affinity = names["affinity"]
    assert affinity[1, 0] > 2 * abs(affinity[1, 2])
    assert sum(names["chosen"].values()) == 16
    n_statements = sum(bool(line.strip()) for line in blocks[0].splitlines())
    assert n_statements <= 30
