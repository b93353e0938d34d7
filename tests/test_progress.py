import io
import threading

import pytest

from cotrain.progress import Progress

OFTEN = (0.0, 0.001)


class Stream(io.StringIO):
    """Tells when a text has been written."""

    def __init__(self, awaited: str, on_terminal: bool = False) -> None:
        super().__init__()
        self._awaited = awaited
        self._on_terminal = on_terminal
        self.has_come = threading.Event()

    def isatty(self) -> bool:
        return self._on_terminal

    def write(self, text: str) -> int:
        if self._awaited in text:
            self.has_come.set()
        return super().write(text)


def test_a_file_gets_whole_lines_of_the_innermost():
    stream = Stream("fits 25%")
    with Progress("validate", stream=stream, seconds=OFTEN), Progress("fits", 4) as inner:
        inner.add(1)
        assert stream.has_come.wait(30)
    lines = stream.getvalue().splitlines()
    assert lines[-1].startswith("fits 25%, 0:")
    assert lines[-1].endswith(" left")
    assert "\r" not in stream.getvalue()


def test_a_terminal_keeps_one_line_and_it_is_gone_at_the_end():
    stream = Stream("report, 0:0", on_terminal=True)
    with Progress("report", stream=stream, seconds=OFTEN):
        assert stream.has_come.wait(30)
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize("on_terminal", [True, False])
def test_what_is_done_at_once_says_nothing(on_terminal):
    stream = Stream("plan", on_terminal)
    with Progress("plan", stream=stream):
        pass
    assert not stream.getvalue()


def test_after_an_error_another_has_the_line():
    stream = Stream("next, 0:0")
    with pytest.raises(ZeroDivisionError), Progress("outer", stream=stream), Progress("inner"):
        _ = 1 / 0
    with Progress("next", stream=stream, seconds=OFTEN):
        assert stream.has_come.wait(30)
