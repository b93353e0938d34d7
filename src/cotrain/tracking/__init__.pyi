from ._connect import database_file as database_file
from ._records import RunContext as RunContext
from ._server import serve as serve
from ._tracker import Tracker as Tracker, open_tracker as open_tracker
