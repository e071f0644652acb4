"""The command that tells IO where to fetch, for every institution of which IO does not know it yet."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from messaging.models import ManageKey, RemoteConfiguration
from tests import cast
from tests.remote.registering import make_configuration
from tests.simulator_process import SimulatorProcess

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[int, list[str], list[str]]:
    """Run the command: exit status, lines of stdout, lines of stderr."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("register_remote_content", *words, stdout=out, stderr=err, no_color=True)
    status = ended.value.code
    assert isinstance(status, int)
    return status, out.getvalue().splitlines(), err.getvalue().splitlines()


def is_confirmed(configuration: RemoteConfiguration) -> bool:
    """Whether IO has confirmed it."""
    configuration.refresh_from_db()
    return configuration.confirmed_at is not None


def test_what_io_does_not_know_is_told_and_nothing_else(simulator: SimulatorProcess) -> None:
    known, new = make_configuration(), make_configuration()
    before = timezone.now()
    RemoteConfiguration.objects.filter(pk=known.pk).update(configuration_id="A" * 26, confirmed_at=before)
    status, out, err = run()
    assert is_confirmed(new)
    assert (status, out, err) == (0, [f"{new.institution}: IO knows it as {new.configuration_id}."], [])
    known.refresh_from_db()
    assert known.confirmed_at == before
    told = sum(simulator.calls("configurations").values())
    assert run() == (0, [], [])
    assert sum(simulator.calls("configurations").values()) == told


def test_it_can_keep_quiet(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    assert run("--quiet") == (0, [], [])
    assert is_confirmed(configuration)


def test_without_a_manage_key_there_is_nobody_to_tell_it(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    ManageKey.objects.all().delete()
    assert run() == (0, [], [])
    assert not is_confirmed(configuration)
    assert simulator.calls("configurations") == {}


def test_one_that_fails_is_said_and_does_not_keep_the_others_back(simulator: SimulatorProcess) -> None:
    bad = make_configuration(cast.make_institution(name="Comune senza permesso"))
    ManageKey.objects.filter(institution=bad.institution).update(secret="x" * 32)
    good = make_configuration()
    status, out, err = run()
    assert status == 1
    assert err == ["Comune senza permesso: IO was not told (key_rejected)."]
    assert len(out) == 1
    assert (is_confirmed(bad), is_confirmed(good)) == (False, True)


def test_even_when_it_is_quiet_a_failure_is_said(settings: Any) -> None:
    settings.IO_API_URL = "http://127.0.0.1:9/api/v1"
    configuration = make_configuration()
    began = time.monotonic()
    status, out, err = run("--quiet")
    assert time.monotonic() - began < 3
    assert (status, out, err) == (1, [], [f"{configuration.institution}: IO was not told (not_sent)."])
    assert not is_confirmed(configuration)


def test_it_waits_for_an_io_that_is_just_starting(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    simulator.fault("refuse")
    opening = threading.Timer(0.8, simulator.clear)
    opening.start()
    status, _, err = run("--wait", "10")
    opening.join()
    assert (status, err) == (0, [])
    assert is_confirmed(configuration)


def test_it_waits_no_longer_than_it_was_told(simulator: SimulatorProcess) -> None:
    make_configuration()
    simulator.fault("refuse")
    began = time.monotonic()
    status, _, err = run("--wait", "1")
    assert 1 <= time.monotonic() - began < 5
    assert (status, len(err)) == (1, 1)


def test_what_waiting_does_not_mend_is_not_waited_for(simulator: SimulatorProcess) -> None:
    make_configuration()
    simulator.fault("unauthorised", operations=["configurations"])
    began = time.monotonic()
    assert run("--wait", "30")[0] == 1
    assert time.monotonic() - began < 5
    assert sum(simulator.calls("configurations").values()) == 1
