from ._records import (
    Overview as Overview,
    Portfolio as Portfolio,
    Recommendation as Recommendation,
)
from ._tables import (
    TABLES as TABLES,
    Column as Column,
    Table as Table,
    pair_frame as pair_frame,
    pair_matrix as pair_matrix,
    read as read,
    write as write,
    write_all as write_all,
)
