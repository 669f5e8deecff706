"""Mannequin: synthetic images of people with exact ground truth, and networks that learn from them.

    mannequin.generator          describes, poses and records people
    mannequin.renderers          turns descriptions into clips
    mannequin.training           learns from clips
    mannequin.assets_manifest    the assets that ship with it
    mannequin.cli, .report, .view, .show    the command line, and what shows a dataset to people

``mannequin.view("out")`` shows a dataset in a browser.
"""

import os.path

__version__ = "0.1.0"

if not os.path.isdir(os.path.join(os.path.dirname(__file__), "generator")):
    raise ImportError(
        f"{os.path.dirname(__file__)} lacks its links to generator, renderers, training and assets_manifest, "
        "as after a "
        "checkout without symbolic links. Run: git config core.symlinks true && git checkout -- mannequin; "
        "or install a wheel."
    )

from mannequin import view as view
