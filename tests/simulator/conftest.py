"""One simulator for the whole session, over real HTTP; forgotten between tests."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.simulator.box import Box, odd_accounts
from tests.simulator.institution import Institution


@pytest.fixture(scope="session")
def running_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A simulator without latency or default limit, that settles at once."""
    folder = tmp_path_factory.mktemp("simulator")
    accounts = folder / "accounts.json"
    accounts.write_text(json.dumps(odd_accounts()))
    box = Box(folder, "--latency-ms", "0", "--settle-seconds", "0", "--limit", "none", "--accounts", str(accounts))
    yield box
    assert box.stop() == 0


@pytest.fixture
def box(running_box: Box) -> Box:
    """The simulator as after its start."""
    running_box.control("POST", "/reset")
    return running_box


@pytest.fixture
def institution() -> Iterator[Institution]:
    """A server that the simulator may ask."""
    server = Institution()
    yield server
    server.stop()
