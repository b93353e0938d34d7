from ._connect import database_file as database_file
from ._records import RunContext as RunContext
from ._server import serve as serve
from ._tracker import Tracker as Tracker
from ._untracked import open_tracked as open_tracked
from ._untracked import open_tracker as open_tracker
