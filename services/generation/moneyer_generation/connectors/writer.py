"""A delivering process: one job on the first line of its standard input, the table behind it.

It alone imports a driver and alone is told a secret; it dies with its worker. It reads nothing of a place but what it
must to know whether the table lies there.
"""

import json
import os
import sys
import time

from moneyer_generation.connectors import writing_files, writing_tables
from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.wire import FetchJob, Sender
from moneyer_generation.connectors.writing import Unsure


def main() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()
    sender = Sender(sys.stdout.buffer)
    job: FetchJob = json.loads(sys.stdin.buffer.readline())
    if certificates := job.get("certificates"):
        os.environ["SSL_CERT_FILE"] = certificates
    try:
        _carry(job, sender)
    except Fault as fault:
        _failed(sender, fault, is_clean=not isinstance(fault, Unsure))
    except ImportError as error:
        detail = f"The worker lacks the driver {error.name}: install moneyer[connectors] beside it."
        _failed(sender, Fault("driver-missing", detail), is_clean=True)
    except MemoryError:
        _failed(sender, Fault("too-large", "It takes more memory than a delivery may take (PULL_MEBIBYTES)."))
    except Exception as error:  # noqa: BLE001 - a driver raises what it likes, and its words may hold anything
        _failed(sender, Fault("driver-failed", f"The driver failed ({type(error).__name__})."))
    else:
        sender.tell(done=True)


def _failed(sender: Sender, fault: Fault, *, is_clean: bool = False) -> None:
    told = {"code": fault.code, "detail": fault.detail, "reasons": fault.reasons}
    sender.tell(failed=told, clean=is_clean)


def _carry(job: FetchJob, sender: Sender) -> None:
    writing = writing_tables if job["target"]["kind"] == "postgres" else writing_files
    reach, asked = Reach(frozenset(job["hosts"])), job["asked"] or {}
    if asked["look"]:
        is_there, left = writing.look(job, reach)
        sender.tell(there=is_there, left=left)
        return
    writing.deliver(job, reach, sys.stdin.buffer, lambda: sender.tell(committing=True))


if __name__ == "__main__":
    main()
