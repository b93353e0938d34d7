"""One module a question; each has `answer()`."""
