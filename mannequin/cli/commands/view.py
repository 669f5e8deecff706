"""``mannequin view``"""

import socket
from dataclasses import dataclass
from typing import Literal

import tyro

from mannequin.generator.io.remote import Place
from mannequin.terminal import Console


@dataclass(frozen=True)
class View:
    """Look at a dataset in a browser: clips, channels, pixels, 3D.

    Only those can open the page who know its address, which holds a random token; and only on this machine,
    unless you ask for another --host.

    examples:
      mannequin view out
          prints the address to open
      mannequin view out/clips/000/000012.h5
          a single clip
      mannequin view out --clip 12 --palette surreal
      ssh -L 8080:localhost:8080 machine mannequin view out
          a dataset on another machine, seen here at the address that it prints
    """

    path: tyro.conf.Positional[Place]
    """Folder of a dataset, a clip file, or the URL of one."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 is all of this machine's: whoever knows the token may look from elsewhere."""

    port: int = 8080
    """Port to listen on; 0 for any that is free."""

    clip: str = ""
    """Which clip to begin with, as 000123. The first by default."""

    palette: Literal["default", "surreal"] = "default"
    """Colours of the parts."""

    token: bool = True
    """Ask for the token in the address. Without it everybody who can reach the port sees the dataset."""

    allow_host: tuple[str, ...] = ()
    """Names by which browsers may ask for the page besides those of this machine: of a proxy before it, for example."""

    open: bool = False
    """Open a browser on this machine."""

    def run(self) -> int:
        from mannequin.view.server import Viewer

        console = Console()
        with Viewer(self.path, self.host, self.port, self.clip, self.palette, self.token, self.allow_host) as viewer:
            console.print(f"{len(viewer.index):,} clips of {self.path} at {viewer.url}")
            port = viewer.port
            if viewer.is_local:
                console.print(f"From another machine: ssh -L {port}:localhost:{port} THIS-MACHINE, then that address")
            else:
                address = viewer.url_at(_name(self.host))
                console.print(f"From another machine: {address} (nothing is encrypted)")
            if not self.token:
                console.print(
                    f"Everybody who can reach {self.host} port {port} sees this dataset. There is no token.",
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


def _name(host: str) -> str:
    """What others call this machine, which listens on ``host``."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host
