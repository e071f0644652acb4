"""The portal's own settings, read from folders and names that belong to one run of the tests.

Nothing of the program is switched: only where it keeps its files, and what its database and queue are called.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

#: Set by whichever process of a run comes first; the workers of pytest-xdist inherit it.
RUN = "IOPORTAL_TEST_RUN"

if RUN not in os.environ:
    os.environ[RUN] = tempfile.mkdtemp(prefix="ioportal-tests-")
    os.environ[f"{RUN}_OWNER"] = str(os.getpid())

RUN_DIR = Path(os.environ[RUN])
#: Of the run and process: two runs at once, or two workers, never meet.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
TOKEN = f"{RUN_DIR.name.rpartition('-')[2].lower()}_{WORKER}"

os.environ.update(
    DATA_DIR=str(RUN_DIR / WORKER / "data"),
    SECRETS_DIR=str(RUN_DIR / WORKER / "secrets"),
    STATIC_ROOT=str(RUN_DIR / "static"),
    CELERY_QUEUE=f"ioportal_test_{TOKEN}",
    # Nobody listens there: a test that talks to IO asks for the simulator.
    IO_API_URL="http://127.0.0.1:9/api/v1",
    LOG_LEVEL=os.environ.get("LOG_LEVEL", "ERROR"),
)

from ioportal.settings import *  # noqa: E402, F403
from ioportal.settings import DATABASES  # noqa: E402

_database = DATABASES["default"]
# A file and not memory: threads of a test see each other's commits, with the journal and the locks of a real one.
_on_sqlite = _database["ENGINE"].endswith("sqlite3")
_database["TEST"] = {"NAME": str(RUN_DIR / WORKER / "test.sqlite3") if _on_sqlite else f"ioportal_test_{TOKEN}"}
_database["CONN_MAX_AGE"] = 0
