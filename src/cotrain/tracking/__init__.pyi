from ._connect import database_file
from ._records import RunContext
from ._server import serve
from ._tracker import Tracker
from ._untracked import open_tracker

__all__ = ["RunContext", "Tracker", "database_file", "open_tracker", "serve"]
