"""What every test runs under."""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

from tests.needs import lacking, needs

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Tests run side by side, a process to a core; and what is learnt in a few steps differs with the number of threads."""

settings.register_profile("any load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any load")
"""Tests pass on a loaded machine, however long an example takes to be drawn and tried."""

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Shells start background jobs with Ctrl-C ignored, which children would inherit; tests send it."""


LEFT_OUT = {"blender", "browser", "cluster", "gpu", "slow", "training"}
"""Markers of the tests that ``--quick`` leaves out."""


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help=f"leave out tests marked {', '.join(sorted(LEFT_OUT))}")


def pytest_ignore_collect(collection_path, config):
    """A file that is left out as a whole is not even imported: torch alone would take seconds of every process."""
    if config.getoption("quick") and collection_path.suffix == ".py" and LEFT_OUT & needs(collection_path):
        return True
    return None


class Unfit(pytest.Module):
    """A file of tests that need what is not installed: skipped as a whole, with the reason."""

    def collect(self):
        pytest.skip(lacking(needs(self.path)) or "")


def pytest_pycollect_makemodule(module_path, parent):
    if lacking(needs(module_path)):
        return Unfit.from_parent(parent, path=module_path)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Marks tests by what their files import and by their fixtures, before ``-m`` chooses among them."""
    for item in items:
        for marker in needs(item.path):
            item.add_marker(marker)
        for marker in {"blender", "browser"} & set(item.fixturenames):
            item.add_marker(marker)
        if why := lacking({marker.name for marker in item.iter_markers()}):
            item.add_marker(pytest.mark.skip(reason=why))
    if config.getoption("quick"):
        left_out = [item for item in items if LEFT_OUT & {marker.name for marker in item.iter_markers()}]
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


@pytest.fixture(autouse=True)
def marked_by_what_it_imports(request):
    """A test that is first to import torch or bpy, however indirectly, carries the marker that says so."""
    libraries = {"torch": "training", "bpy": "blender"}
    absent = libraries.keys() - sys.modules.keys()
    yield
    for library in absent & sys.modules.keys():
        assert request.node.get_closest_marker(libraries[library]), f"imported {library}, which its markers do not say"


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
