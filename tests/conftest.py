"""What every test runs under."""

import os
import signal

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Tests run side by side, a process to a core; and what is learnt in a few steps differs with the number of threads."""

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Shells start background jobs with Ctrl-C ignored, which children would inherit; tests send it."""


@pytest.fixture
def fresh_tools():
    """No catalog and renderer of another test, which this process would keep from job to job."""
    from mannequin.renderers.production import worker as task

    task._open.clear()
    yield
    task._open.clear()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, started once."""
    from tests.browser import open_browser

    with open_browser() as opened:
        yield opened


@pytest.fixture
def run(capsys):
    """Runs a command; returns (exit status, standard output, standard error)."""
    from mannequin.cli.main import main

    def run(*args):
        with pytest.raises(SystemExit) as exit_:
            main([str(arg) for arg in args])
        said = capsys.readouterr()
        return exit_.value.code, said.out, said.err

    return run
