"""Who may look: the address that a request names, the page that it comes from, and the token.

A page that any browser shows may send requests to this machine, so being reachable from here alone is no protection.
"""

import base64
import hashlib
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import numpy as np
import zstandard
from websockets import Headers

from mannequin.generator.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?", re.ASCII)
"""A Host header: a name or an address, and a port."""

ONCE = ("Host", "Origin", "Upgrade", "Accept-Encoding", "Sec-WebSocket-Protocol")
"""Headers that a request must not repeat."""

OTHER_SITE = "A page of another site may not use this viewer.\n"
NO_TOKEN = (
    "This address lacks the token of the viewer that runs here now. The terminal in which it was started shows the "
    "whole address, with ?token=; in Python it is viewer.url.\n"
)

COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer. no-referrer, so that the address, and the token in it, is told to nobody."""


@dataclass(frozen=True)
class Guard:
    """Decides about requests by their headers and path.

    token: what the path or query must hold; "" lets everybody in. names: what Host may say, in lower case.
    any_address: whether Host may be any IP address. That is safe: a page that was loaded from an address is of the
    machine at that address, whereas a name can be made to mean this machine after its page was loaded.
    The port that Host names is that of a tunnel, perhaps, and not checked; a browser says where it connects to.
    """

    token: str
    names: frozenset[str]
    any_address: bool = False

    def refusal(self, headers: Headers) -> str | None:
        """Why a request is refused whatever its token is, as a sentence for the user; None if it is not."""
        if any(len(headers.get_all(name)) > 1 for name in ONCE):
            return "The request repeats a header.\n"
        host = headers.get("Host", "")
        match = HOST.fullmatch(host)
        if match is None:
            return "The request does not say which host it is for.\n"
        name = match["name"].strip("[]").lower()
        if not self._is_ours(name):
            return (
                f"This viewer does not answer to the name {name}. If the address is right, start it with "
                f"--allow-host {name}.\n"
            )
        if "Origin" in headers and headers["Origin"].lower() not in {
            f"{s}://{host.lower()}" for s in ("http", "https")
        }:
            return OTHER_SITE
        return None

    def admits(self, path: str) -> bool:
        """Whether ``path`` (with its query) holds the token: ``/TOKEN/``, or ``/?token=TOKEN``."""
        return not self.token or any(map(self._is_token, (first_part(path), *query(path).get("token", ()))))

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(errors="replace"), self.token.encode())

    def _is_ours(self, name: str) -> bool:
        return name in self.names or (self.any_address and is_address(name))


def make_guard(host: str, with_token: bool, allow_host: tuple[str, ...] = ()) -> Guard:
    """The guard of a server that listens on ``host``. Raises ConfigError for a name that can be none."""
    for name in allow_host:
        if HOST.fullmatch(name) is None or ":" in name:
            raise ConfigError(f"{name!r} is no host name; expected one without a port, as --allow-host my.machine.org")
    beyond = not is_loopback(host)
    names = {*LOOPBACK, host, *allow_host, *([socket.gethostname()] if beyond else [])}
    return Guard(secrets.token_hex(24) if with_token else "", frozenset(map(str.lower, names)), any_address=beyond)


def is_loopback(host: str) -> bool:
    """Whether only this machine itself reaches ``host``."""
    return host.lower() == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(name: str) -> bool:
    """Whether ``name`` is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def first_part(path: str) -> str:
    """The first part of the path of a request."""
    return path.partition("?")[0].strip("/").partition("/")[0]


def query(path: str) -> dict[str, list[str]]:
    """The query of the path of a request; {} if it makes no sense."""
    try:
        return parse_qs(urlsplit(path).query, keep_blank_values=True, max_num_fields=32)
    except ValueError:
        return {}


def content_policy(scripts: str, host: str) -> str:
    """The Content-Security-Policy of a page asked for as ``host``: the ``scripts`` of :func:`script_sources`, and
    connections to where it came from. Markup that found its way into the page would run no script and load nothing.
    """
    return (
        f"default-src 'none'; script-src 'unsafe-eval' {scripts}; worker-src blob:; style-src 'unsafe-inline'; "
        f"img-src data: blob:; font-src data:; connect-src 'self' ws://{host} wss://{host} data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def script_sources(page: str) -> str:
    """The scripts of viser's ``page`` as a policy names them, by hashes. They need 'unsafe-eval' besides.

    Raises RuntimeError if the page is not packed as that of viser 1.1 is.
    """
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _scripts(page))
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _scripts(page: str) -> list[str]:
    """The scripts of viser's page: the one that unpacks, and what it unpacks.

    The packed text is zstd, four bytes written as five digits to the base 88, the last one to three as one more than
    they are; the first ``data-ss`` bytes of what was packed are styles.
    """
    found = re.search(r'<script data-p="([^"]*)" data-ss="(\d+)" data-cs="(\d+)">(.*?)</script>', page, re.DOTALL)
    if found is None:
        raise RuntimeError(
            "The page of this viser is not packed as that of viser 1.1. Install it: pip install 'viser==1.1.1'"
        )
    packed, styles, unpacker = found[1], int(found[2]), found[4]
    whole = len(packed) - len(packed) % 5
    octets = _octets(packed[:whole]) + _octets(packed[whole:].rjust(5, "!"))[5 - len(packed) % 5 :]
    return [unpacker, zstandard.ZstdDecompressor().decompress(octets)[styles:].decode()]


def _octets(text: str) -> bytes:
    """Four bytes for each five characters of ``text``."""
    digits = [c for c in map(chr, range(0x21, 0x7F)) if c not in "\"&<>'`"]
    values = np.zeros(128, np.uint64)
    values[list(map(ord, digits))] = np.arange(len(digits))
    groups = values[np.frombuffer(text.encode("ascii"), np.uint8)].reshape(-1, 5)
    return (groups @ (np.uint64(88) ** np.arange(4, -1, -1, dtype=np.uint64))).astype(">u4").tobytes()
