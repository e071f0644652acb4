"""A program that answers as veraPDF does: whether it really is installed is of no matter here."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from messaging.documents import verapdf
from messaging.documents.verapdf import Verdict, check


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "una cartella"
    folder.mkdir()
    return [folder / name for name in ("0.pdf", "1.pdf", "10.pdf")]


def program(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "verapdf.py"
    path.write_text(f"import os, sys, time\n{text}\n")
    return [sys.executable, str(path)]


def test_every_file_gets_the_verdict_of_its_line(tmp_path: Path, paths: list[Path]) -> None:
    answers = """
assert sys.argv[1:3] == ["--format", "text"], sys.argv
zero, one, ten = sys.argv[3:]
print(f"FAIL {ten} 2a"); print(f"PASS {zero}"); print("PASS /elsewhere/1.pdf"); print(f"ERROR {one} exception")
sys.exit(1)
"""
    verdicts = check(program(tmp_path, answers), paths)
    assert list(verdicts.values()) == [Verdict.CONFORMS, Verdict.UNKNOWN, Verdict.FAILS]
    assert list(verdicts) == paths


@pytest.mark.parametrize(
    "text", ["sys.exit(3)", "print('Exception in thread main')", "sys.stdout.buffer.write(b'\\xff')"]
)
def test_a_program_that_says_nothing_useful_leaves_it_open(tmp_path: Path, paths: list[Path], text: str) -> None:
    assert set(check(program(tmp_path, text), paths).values()) == {Verdict.UNKNOWN}


def test_a_program_that_is_not_there_leaves_it_open(paths: list[Path]) -> None:
    assert set(check(["/nowhere/verapdf"], paths).values()) == {Verdict.UNKNOWN}


def test_a_program_that_does_not_end_is_ended_with_what_it_started(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verapdf, "STARTING", 1.0)
    monkeypatch.setattr(verapdf, "FOR_EACH", 0.0)
    started = time.monotonic()
    text = "import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    assert set(check(program(tmp_path, text), paths).values()) == {Verdict.UNKNOWN}
    assert time.monotonic() - started < 20


def test_our_secrets_are_not_handed_on(tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "segreto")
    text = "print(('FAIL ' if 'SECRET_KEY' in os.environ else 'PASS ') + sys.argv[3])"
    assert check(program(tmp_path, text), paths)[paths[0]] is Verdict.CONFORMS


def test_nothing_is_started_for_nothing() -> None:
    assert check(["/nowhere/verapdf"], []) == {}
