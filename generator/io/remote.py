"""Paths that may be URLs: s3://bucket/out, gs://bucket/out and whatever else fsspec reaches.

A dataset's modules say :func:`place` where they would say Path, and get a Path for the local disk
or a :class:`RemotePath` with the few operations that a dataset needs. Drivers retry by themselves,
with growing pauses; what still fails becomes one message here.
"""

import errno
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, MissingExtraError

PIP_LINES = {
    "s3": 'pip install "mannequin[remote]"',
    "s3a": 'pip install "mannequin[remote]"',
    "gs": "pip install gcsfs",
    "gcs": "pip install gcsfs",
}
"""Of the drivers, by protocol."""

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL)
_CREDENTIALS = (
    "check the credentials (for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or ~/.aws) and "
    "what they allow"
)
_HINTS = (
    (("NoCredentials", "PartialCredentials", "ProfileNotFound", "PermissionError", "TokenRetrieval"), _CREDENTIALS),
    (("FileNotFoundError",), "no such bucket or object; check the URL, or create the bucket"),
)
_UNREAD = (
    "the store refuses the request as a whole: check the credentials (for S3: AWS_SESSION_TOKEN, which may have "
    "expired) and the region (AWS_DEFAULT_REGION)"
)
_BROKEN = (
    "check the network and the service (for S3: AWS_ENDPOINT_URL), then run the same command again; what is "
    "finished is kept"
)


@dataclass(frozen=True)
class RemotePath:
    """A file or folder of an object store. Names and operations are those of pathlib where they are the same.

    Every file appears whole or not at all, as object stores have it. error: what is raised when the
    store refuses or is out of reach.
    """

    url: str
    error: type[MannequinError] = field(default=DatasetError, compare=False, repr=False)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return replace(self, url=f"{self.url}/{name}")

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.url.partition("://")[2])

    @property
    def name(self) -> str:
        return self._pure.name

    @property
    def stem(self) -> str:
        return self._pure.stem

    @property
    def suffix(self) -> str:
        return self._pure.suffix

    def absolute(self) -> "RemotePath":
        return self

    def exists(self) -> bool:
        """Whether there is such a file or folder. As for the next two, a store out of reach is an error, not a no."""
        return self._type() is not None

    def is_file(self) -> bool:
        return self._type() == "file"

    def is_dir(self) -> bool:
        return self._type() == "directory"

    def names(self) -> list[str]:
        """Of what lies in this folder; none if there is no such folder."""
        return [name for name, _ in self.entries()]

    def entries(self) -> list[tuple[str, dict]]:
        """(name, what the store says of it) of what lies in this folder."""
        with self._border("list"):
            try:
                found = self._system().ls(self.url, detail=True)
            except FileNotFoundError:
                return []
        return [(entry["name"].rstrip("/").rpartition("/")[2], entry) for entry in found]

    def tree(self) -> dict[str, dict]:
        """Path below this one → what the store says, of all files under it; {"": …} if this is a file itself."""
        with self._border("list"):
            system = self._system()
            if (about := system.info(self.url))["type"] == "file":
                return {"": about}
            root = system._strip_protocol(self.url).rstrip("/") + "/"
            found = system.find(self.url, detail=True)
            return {
                path.removeprefix(root): entry
                for path, entry in sorted(found.items())
                if path != root and not path.endswith("/")
            }

    def size(self) -> int:
        """Bytes of this file, or of all files under this folder."""
        with self._border("list"):
            return int(self._system().du(self.url))

    def read_bytes(self, most: int, expected: str = "a file") -> bytes:
        """The content of a file of at most ``most`` bytes."""
        with self._border("read"):
            system = self._system()
            size = system.info(self.url)["size"] or 0
            if size > most:
                raise self.error(f"{self} has {size} bytes. Expected {expected}, of at most {most} bytes.")
            return system.cat_file(self.url)

    def download(self, path: Path) -> None:
        """Copy this file to ``path`` on the local disk."""
        with self._border("read"):
            self._system().get_file(self.url, str(path))

    def write_bytes(self, data, replace: bool = True) -> None:
        """Put ``data`` here in one piece; replace: whatever is there, otherwise that stays."""
        with self._border("write"):
            try:
                self._system().pipe_file(self.url, bytes(data), mode="overwrite" if replace else "create")
            except Exception:
                if replace or not self.exists():
                    raise

    def unlink(self, missing_ok: bool = False) -> None:
        with self._border("delete"):
            try:
                self._system().rm_file(self.url)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def _type(self) -> str | None:
        with self._border("look at"):
            try:
                return self._system().info(self.url)["type"]
            except FileNotFoundError:
                return None

    def _system(self):
        """fsspec's driver, which keeps its connections; nothing it saw before is taken for what is there now."""
        protocol = self.url.partition("://")[0]
        try:
            import fsspec

            return fsspec.filesystem(protocol, use_listings_cache=False)
        except ImportError as e:
            line = PIP_LINES.get(protocol, f"pip install fsspec, and what it names here: {e}")
            raise MissingExtraError(
                f"{self} needs a driver for {protocol}:// that is not installed. Run: {line}"
            ) from e
        except ValueError as e:
            raise ConfigError(
                f"{self} has a protocol that nothing here knows ({e}). Expected s3://, gs://, file:// or a local path."
            ) from e

    @contextmanager
    def _border(self, doing: str):
        """Turn what drivers raise, which has no common base, into one message."""
        try:
            yield
        except MannequinError:
            raise
        except Exception as e:
            said = " ".join(str(e).split())[:300]
            raise self.error(f"Cannot {doing} {self} ({type(e).__name__}{': ' * bool(said)}{said}); {_hint(e)}.") from e


def _hint(error: Exception) -> str:
    """What to do about an error of a driver."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    for words, hint in _HINTS:
        if any(word in kind for word in words for kind in kinds):
            return hint
    is_unread = isinstance(error, OSError) and error.errno == errno.EINVAL  # S3's 400, which says no more to HEAD
    return _UNREAD if is_unread else _BROKEN


Place = Path | RemotePath
"""Where a dataset or a clip is."""


def place(path: str | Place) -> Place:
    """Where ``path`` leads: a RemotePath for a URL, a Path for anything else and for file://."""
    if isinstance(path, RemotePath):
        return path
    match = _URL.fullmatch(path) if isinstance(path, str) else None
    if not match:
        return Path(path)
    protocol, rest = match[1], match[2].rstrip("/")
    if protocol in ("file", "local"):
        return Path(rest or "/")
    if not rest or "\0" in rest or {".", ".."} & set(rest.split("/")):
        raise ConfigError(f"{path!r} names no place. Expected a URL such as s3://bucket/folder.")
    return RemotePath(f"{protocol}://{rest}")


def is_url(path: str) -> bool:
    """Whether ``path`` is written as a URL."""
    return bool(_URL.fullmatch(path))
