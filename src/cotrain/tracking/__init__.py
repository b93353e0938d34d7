"""The only room that knows MLflow: fits out in bulk, the fit table back."""

from cotrain.tracking._connect import database_file
from cotrain.tracking._records import RunContext
from cotrain.tracking._server import serve
from cotrain.tracking._tracker import Tracker
from cotrain.tracking._untracked import open_tracker

__all__ = ["RunContext", "Tracker", "database_file", "open_tracker", "serve"]
