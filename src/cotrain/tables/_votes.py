"""The tables of `cotrain votes`."""

from cotrain.tables._contract import Column, Table

VOTES = (
    Table(
        "vote_functions",
        "votes",
        "a labelling function, the most helpful first",
        [
            Column("function", "name", "its column"),
            Column("n_votes", "integer", "its votes on training rows"),
            Column("n_checked", "integer", "its votes on validation labels"),
            Column("right", "number", "share of those that are right"),
            Column("effect", "number", "what it adds to the validation score, linear surrogate"),
            Column("low", "number", "lower end of the 95 % interval"),
            Column("high", "number", "upper end"),
            Column("verdict", "word", "helps, hurts, undecided or unknown"),
            Column("chosen", "flag", "whether it is among the chosen functions"),
        ],
    ),
    Table(
        "vote_ways",
        "votes",
        "a way to predict, from the simplest on",
        [
            Column("way", "word", "the way"),
            Column("recommended", "flag", "the simplest that is not clearly worse than the best"),
            Column("valid_accuracy", "number", "on validation labels that it has not seen"),
            Column("test_accuracy", "number", "on test labels"),
            Column("difference", "number", "test accuracy that the recommended way has over it"),
            Column("low", "number", "lower end of the 95 % interval, over test rows"),
            Column("high", "number", "upper end"),
        ],
    ),
    Table(
        "vote_predictions",
        "votes",
        "a row of the user's table, by the recommended way",
        [
            Column("row", "integer", "the row, as a spreadsheet counts"),
            Column("class", "name", "the likeliest class"),
            Column("probability", "number", "of that class"),
        ],
    ),
)
