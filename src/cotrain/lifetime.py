"""Processes that end with those that started them, and one writer a study."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS = 0.5
# So long a command may take to end by itself: to log what is finished and to stop its workers.
_GRACE = 60.0
_STOPPED = 130
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"}


def end_with_dvc() -> None:
    """End this command as Ctrl-C does once the DVC that called it is gone; nothing without DVC.

    DVC that is killed leaves its stage running, which would then write beside the next run.
    """
    if "DVC_STAGE" not in os.environ:
        return
    import psutil  # DVC's own dependency

    caller = []
    for process in psutil.Process().parents():
        caller.append(process)
        if process.name() not in _SHELLS:
            break

    def is_gone() -> bool:
        try:
            return any(
                not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
                for process in caller
            )
        except psutil.NoSuchProcess:
            return True

    # A shell that starts commands in the background has them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _watch(is_gone, _interrupt)


def end_with_parent(parent: int) -> None:
    """End this worker process once `parent`, which started it, is gone; nothing in `parent`."""
    if os.getpid() != parent and os.getppid() == parent:
        _watch(lambda: os.getppid() != parent, lambda: os._exit(_STOPPED))


def begin_worker(parent: int) -> None:
    """Do first in a process that `parent` started: end with it, and at once if it is gone already.

    A worker that waits for its first task would else wait for minutes.
    """
    if os.getppid() != parent:
        os._exit(_STOPPED)
    end_with_parent(parent)


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Wait until no other command writes to the study in `folder`, and keep others waiting.

    The lock is the system's own, on the folder: it ends with the process that holds it, however
    that ends, and no file is left behind.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(  # noqa: T201
                f"cotrain: another command works on {folder}; waiting until it ends",
                file=sys.stderr,
                flush=True,
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _interrupt() -> None:
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)  # unlike `interrupt_main`, it ends waiting too
    time.sleep(_GRACE)
    os._exit(_STOPPED)


_watched = False


def _watch(is_gone: Callable[[], bool], end: Callable[[], None]) -> None:
    """Call `end` in a thread of its own once `is_gone`; one watch a process."""
    global _watched
    if _watched:
        return
    _watched = True

    def watch() -> None:
        while not is_gone():
            time.sleep(_SECONDS)
        end()

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
