"""Python's own files, of which a full disk leaves a part."""

from pathlib import Path
from types import TracebackType


def remove_cut_bytecode(error: EOFError) -> bool:
    """Remove the compiled module that an import found cut off; False: it was something else.

    Python writes `__pycache__` as far as the disk has room and takes it for whole, so that every
    later import of the module ends in EOFError.
    """
    step: TracebackType | None = error.__traceback__
    while step is not None:
        path = step.tb_frame.f_locals.get("bytecode_path")  # of importlib's `get_code`
        if isinstance(path, str) and Path(path).exists():
            Path(path).unlink()
            return True
        step = step.tb_next
    return False
