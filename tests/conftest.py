"""What every test runs under."""

import signal

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Shells start background jobs with Ctrl-C ignored, which children would inherit; tests send it."""


@pytest.fixture
def fresh_tools():
    """No catalog and renderer of another test, which this process would keep from job to job."""
    from renderers import task

    task._open.clear()
    yield
    task._open.clear()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, started once."""
    from tests.browser import open_browser

    with open_browser() as opened:
        yield opened
