"""``mannequin view``"""

from dataclasses import dataclass
from typing import Literal

import tyro

from mannequin.generator.io.remote import Place
from mannequin.terminal import Console


@dataclass(frozen=True)
class View:
    """Look at a dataset in a browser: clips, channels, pixels, 3D.

    Only this machine can open the page, unless you ask for another --host.

    examples:
      mannequin view out
          prints the address to open
      mannequin view out/clips/000/000012.h5
          a single clip
      mannequin view out --clip 12 --palette surreal
      ssh -L 8080:localhost:8080 machine mannequin view out
          a dataset on another machine, seen at http://localhost:8080 here
    """

    path: tyro.conf.Positional[Place]
    """Folder of a dataset, a clip file, or the URL of one."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 lets everybody in who can reach this machine, without a password."""

    port: int = 8080
    """Port to listen on; 0 for any that is free."""

    clip: str = ""
    """Which clip to begin with, as 000123. The first by default."""

    palette: Literal["default", "surreal"] = "default"
    """Colours of the parts."""

    open: bool = False
    """Open a browser on this machine."""

    def run(self) -> int:
        from mannequin.view.server import LOOPBACK, Viewer

        console = Console()
        with Viewer(self.path, self.host, self.port, self.clip, self.palette) as viewer:
            console.print(f"{len(viewer.index):,} clips of {self.path} at {viewer.url}")
            if self.host in LOOPBACK:
                console.print(
                    f"From another machine: ssh -L {viewer.port}:localhost:{viewer.port} THIS-MACHINE, then http://localhost:{viewer.port}"
                )
            else:
                console.print(
                    f"Everybody who can reach {self.host} port {viewer.port} sees this dataset. There is no password.",
                    style="yellow",
                )
            console.print("Ctrl-C ends it.")
            if self.open:
                _open_browser(viewer.url)
            try:
                viewer.wait()
            except KeyboardInterrupt:
                console.print("Closed.")
        return 0


def _open_browser(url: str) -> None:
    import webbrowser

    webbrowser.open(url)
