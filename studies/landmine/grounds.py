"""Whether sources of the same ground help more: `python grounds.py`, on the tables in results/.

Fields 0 to 14 are overgrown, 15 to 28 bare. The p-value is over permutations of the fields.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

if __name__ == "__main__":
    bare, rng = np.arange(29) >= 15, np.random.default_rng(0)
    for file, measure in (
        ("relevance", "relevance"),
        ("affinity", "affinity"),
        ("affinity", "cosine"),
    ):
        table = pd.read_csv(f"results/{file}.csv").pivot_table(
            index="target", columns="source", values=measure
        )
        pairs = table.sort_index().sort_index(axis=1).to_numpy()

        def surplus(kind: np.ndarray, pairs: np.ndarray = pairs) -> float:
            same = kind[:, None] == kind[None, :]
            return float(np.nanmean(pairs[same]) - np.nanmean(pairs[~same]))

        found = surplus(bare)
        chance = np.mean([surplus(rng.permutation(bare)) >= found for _ in range(5000)])
        alike = np.nan_to_num((pairs + pairs.T) / 2)
        lead = np.linalg.eigh(alike - alike.mean())[1][:, -1]
        rand = adjusted_rand_score(bare, lead > np.median(lead))
        print(f"{measure}: same ground {found:+.2g} over other, p {chance:.4f}, Rand {rand:.2f}")
