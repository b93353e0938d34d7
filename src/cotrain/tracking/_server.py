"""MLflow's pages on this machine alone."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cotrain.exceptions import TrackingError, masked
from cotrain.tracking._connect import sqlite_path
from cotrain.tracking._tracker import open_tracker

_HOST = "127.0.0.1"
# The defaults start fifteen processes and report usage; one that answers is enough for one reader.
_LEAN = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def serve(home: Path, port: int = 5000) -> None:
    """Show the study in `home` with MLflow's own server on loopback, until it is ended.

    A remote tracking server has pages of its own: then only the address is printed.

    Raises
    ------
    SettingsError
        With COTRAIN_TRACKING=off.
    TrackingError
        If the store cannot be used or the server ends with an error (say, the port is taken).
    """
    tracker = open_tracker(home, must=True)
    if not tracker.has_dashboard():
        tracker.prepare_dashboard()
    if tracker.uri.startswith(("http://", "https://")):
        print(f"Dashboard: {masked(tracker.dashboard_url(tracker.uri))}")  # noqa: T201
        return
    print(f"Dashboard: {tracker.dashboard_url(f'http://{_HOST}:{port}')}", flush=True)  # noqa: T201
    with suppress(KeyboardInterrupt):
        code = subprocess.call(_command(tracker.uri, port), env=_environment(tracker.uri))
        if code > 0:
            raise TrackingError(
                f"MLflow's server ended with code {code}; is port {port} free? Choose another"
            )


def _environment(uri: str) -> dict[str, str]:
    """The server's variables, the store among them: arguments, a password in them, all can read."""
    return os.environ | _LEAN | {"MLFLOW_BACKEND_STORE_URI": uri}


def _command(uri: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "mlflow", "ui"]
    command += ["--host", _HOST, "--port", str(port), "--workers", "1"]
    if path := sqlite_path(uri):
        command += ["--default-artifact-root", (path.parent / "mlartifacts").as_uri()]
    return command
