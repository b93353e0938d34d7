"""Commands and workers that end with those that started them; one writer a study."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

CALLED = """
import sys, time
from pathlib import Path
from cotrain.lifetime import end_with_dvc
end_with_dvc()
folder = Path(sys.argv[1])
try:
    (folder / "started").write_text("")
    time.sleep(600)
except KeyboardInterrupt:
    (folder / "ended").write_text("stopped")
"""

# As DVC does it: a shell that calls the command. Ctrl-C is ignored, as in a shell's background.
CALLER = """
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
command = f"{sys.executable} -c \\"$CODE\\" {sys.argv[1]}; true"
subprocess.run(["sh", "-c", command], env=os.environ | {"CODE": sys.argv[2], "DVC_STAGE": "train"})
"""

POOL = """
import os, sys, time
from pathlib import Path
from joblib import Parallel, delayed
from cotrain.lifetime import end_with_parent

def work(caller, folder):
    end_with_parent(caller)
    (Path(folder) / str(os.getpid())).write_text("")
    time.sleep(600)

if __name__ == "__main__":
    Parallel(n_jobs=2)(delayed(work)(os.getpid(), sys.argv[1]) for _ in range(2))
"""

WRITER = """
import sys, time
from pathlib import Path
from cotrain.lifetime import one_writer
with one_writer(Path(sys.argv[1])):
    print("writing", flush=True)
    if sys.argv[2] == "stay":
        time.sleep(600)
"""


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait long enough for any machine; what never comes fails."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_command_ends_by_itself_when_dvc_is_killed(tmp_path):
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path), CALLED])
    try:
        wait_until((tmp_path / "started").exists)
        below = psutil.Process(caller.pid).children(recursive=True)
    finally:
        caller.kill()
        caller.wait()
    wait_until(lambda: all(is_gone(process.pid) for process in below))
    assert (tmp_path / "ended").read_text() == "stopped"


def test_a_command_that_dvc_did_not_call_stays(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    code = "import threading; from cotrain.lifetime import end_with_dvc; end_with_dvc(); "
    code += "print(threading.active_count())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"


def test_a_killed_pool_leaves_no_workers(tmp_path):
    (tmp_path / "pids").mkdir()
    (tmp_path / "pool.py").write_text(POOL)
    driver = subprocess.Popen([sys.executable, tmp_path / "pool.py", tmp_path / "pids"])
    try:
        wait_until(lambda: len(list((tmp_path / "pids").iterdir())) == 2)
    finally:
        driver.kill()
        driver.wait()
    pids = [int(path.name) for path in (tmp_path / "pids").iterdir()]
    wait_until(lambda: all(is_gone(pid) for pid in pids))


def test_a_worker_whose_caller_is_gone_does_not_wait_for_a_task():
    code = "from cotrain.lifetime import begin_worker; begin_worker({}); print('waits')"
    for caller, said, code_wanted in (("os.getppid()", "waits\n", 0), ("2**22 + 1", "", 130)):
        command = [sys.executable, "-c", f"import os; {code.format(caller)}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code_wanted, said)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_second_writer_waits_and_a_killed_one_leaves_no_lock(tmp_path, end):
    def writer(how: str) -> subprocess.Popen:
        command = [sys.executable, "-c", WRITER, str(tmp_path), how]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    with writer("stay") as first:
        assert first.stdout.readline() == "writing\n"
        with writer("go on") as second:
            assert "another command works on" in second.stderr.readline()
            assert second.poll() is None
            first.send_signal(end)
            assert second.stdout.readline() == "writing\n"
            assert second.wait() == 0
    assert list(tmp_path.iterdir()) == []
