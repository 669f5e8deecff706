"""The viewer as a server: one for a collection, a session for each browser."""

import contextlib
import errno
import io
import socket
import threading
from typing import Self

from mannequin.generator.dataset.collection import Collection, open_collection
from mannequin.generator.errors import ConfigError, MissingExtraError
from mannequin.generator.io.remote import Place

try:
    import viser
except ImportError as e:
    raise MissingExtraError(
        "The viewer needs viser, which is not installed. Install it: pip install 'mannequin[view]'"
    ) from e

from mannequin.generator.colours import PALETTES
from mannequin.generator.errors import unknown_name
from mannequin.view.guard import is_loopback, make_guard
from mannequin.view.guarded import GuardedServer
from mannequin.view.index import ClipIndex
from mannequin.view.session import Session


class Viewer:
    """A collection shown in browsers at ``url`` until :meth:`close`; also a ``with`` block.

    clip: key of the clip shown first. port: 0 for any that is free. token: whether only those see it who know
    the random token in ``url``. allow_host: names, besides those of this machine, by which browsers may ask for it.
    Raises DatasetError if there is nothing to show, ConfigError for an unknown clip, host or port in use.
    """

    def __init__(
        self,
        path: Place | str,
        host: str = "127.0.0.1",
        port: int = 0,
        clip: str = "",
        palette: str = "default",
        token: bool = True,
        allow_host: tuple[str, ...] = (),
    ):
        if palette not in PALETTES:
            raise unknown_name("palette", palette, PALETTES)
        collection = open_collection(path)
        self._first = _first_clip(collection, clip)
        guard = make_guard(host, token, allow_host)
        _check_free(host, port)
        self._palette, self._sessions, self._closed = palette, {}, threading.Event()
        self._lock = threading.Lock()
        with _silence():
            self._server = GuardedServer(guard, host, port)
        self.host, self.port, self.token = host, self._server.get_port(), guard.token
        if port and self.port != port:  # another process took it meanwhile
            self._stop_server()
            raise _busy(host, port)
        self.index = ClipIndex(collection)
        self._server.on_client_connect(self._connect)
        self._server.on_client_disconnect(self._disconnect)

    @property
    def url(self) -> str:
        """What to type into a browser on this machine, with the token."""
        return self.url_at("localhost" if self.host in ("0.0.0.0", "::") else self.host)

    def url_at(self, host: str) -> str:
        """The address, with the token, for those to whom this machine is ``host``."""
        query = f"/?token={self.token}" if self.token else ""
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{query}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine itself reaches it."""
        return is_loopback(self.host)

    def __repr__(self) -> str:
        return f"Viewer of {self.index.collection.path} at {self.url}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def wait(self) -> None:
        """Return when the viewer is closed."""
        while not self._closed.wait(timeout=1.0):  # so that Ctrl-C is heard
            pass

    def close(self) -> None:
        """End all sessions and the server."""
        if self._closed.is_set():
            return
        self._closed.set()
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.close()
        self.index.close()
        self._stop_server()

    def _connect(self, client: viser.ClientHandle) -> None:
        with self._lock:
            if not self._closed.is_set():
                self._sessions[client.client_id] = Session(client, self.index, self._palette, self._first)

    def _disconnect(self, client: viser.ClientHandle) -> None:
        with self._lock:
            session = self._sessions.pop(client.client_id, None)
        if session is not None:
            session.close(wait=False)

    def _stop_server(self) -> None:
        with _silence():
            self._server.stop()


def view(
    source,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clip: str = "",
    palette: str = "default",
    token: bool = True,
    allow_host: tuple[str, ...] = (),
    block: bool = False,
) -> Viewer:
    """Show a dataset, or a clip, in a browser.

    source: a path or URL, a Dataset, or an open ClipReader. block: return only when it is closed or
    interrupted, for scripts. The rest is that of :class:`Viewer`.
    """
    viewer = Viewer(getattr(source, "path", source), host, port, clip, palette, token, allow_host)
    print(viewer)
    if block:
        with viewer, contextlib.suppress(KeyboardInterrupt):
            viewer.wait()
    return viewer


def _first_clip(collection: Collection, clip: str) -> str:
    """The key of the clip to begin with."""
    if not clip:
        return collection.keys[0]
    if clip in collection.keys:
        return clip
    if clip.isdigit() and f"{int(clip):06d}" in collection.keys:
        return f"{int(clip):06d}"
    raise unknown_name("clip", clip, collection.keys)


def _check_free(host: str, port: int) -> None:
    """Raises ConfigError unless a server may listen there; viser itself would take another port, or hang."""
    if not 0 <= port <= 65535:
        raise ConfigError(f"Port {port} does not exist; expected 0 to 65535, 0 for any that is free.")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except socket.gaierror as e:
        raise ConfigError(f"Unknown host {host!r}; expected an address of this machine, as 127.0.0.1.") from e
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            raise _busy(host, port) from e
        raise ConfigError(
            f"Cannot listen on {host}, port {port}: {e.strerror}. Choose another --host or --port."
        ) from e


def _busy(host: str, port: int) -> ConfigError:
    other = port + 1 if port < 65535 else port - 1
    return ConfigError(f"Port {port} of {host} is in use, perhaps by another viewer. Choose another: --port {other}")


@contextlib.contextmanager
def _silence():
    """viser prints a table when it starts and a line when it stops; we say it in our own words."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
