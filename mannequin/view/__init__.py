"""The viewer: clips, channels and the 3D scene in a browser.

The package can itself be called: ``mannequin.view("out")``.
"""

import sys
from types import ModuleType


class _Callable(ModuleType):
    def __call__(self, source, **options):
        """Show a dataset or a clip in a browser; as :func:`mannequin.view.server.view`, which lists the options."""
        from mannequin.view.server import view

        return view(source, **options)


sys.modules[__name__].__class__ = _Callable
