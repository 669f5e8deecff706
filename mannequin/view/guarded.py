"""viser's server behind a :class:`~mannequin.view.guard.Guard`.

viser has no hook for this: it starts websockets' server within a long method, with its own ``process_request``, and
reads messages in a function of its module. So its constructor and that method are run here with three names meaning
something else (:func:`with_names`); viser's own modules stay as they are, for whoever else uses them in this process.
A viser that does not use these names any more is refused, before anything listens.
"""

import asyncio
import functools
import http
import logging
import types
from collections.abc import Callable
from urllib.parse import urlencode

import viser
import viser._messages
import websockets
import websockets.asyncio.server
from viser import infra
from websockets import Headers
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import WebSocketException
from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Request, Response

from mannequin.view.guard import COMMON_HEADERS, NO_TOKEN, Guard, content_policy, first_part, query, script_sources
from mannequin.view.incoming import LONGEST_MESSAGE, Allowance, is_expected, is_offered

MOST_BROWSERS = 16
"""Browsers that may look at the same time; each has a thread, and an open clip."""

MOST_CONNECTIONS = 64
"""Connections at the same time, those that ask for nothing among them: they are closed after ten seconds."""

MOST_PARTS = 16
"""Frames of one message."""

STALE = "This page is of an earlier viewer: open the address that the terminal shows now"
"""Shown by viser's page, in which the status of a refused connection cannot be read. At most 123 bytes."""

LOG = logging.getLogger("mannequin.view")


class GuardedServer(viser.ViserServer):
    """viser's server on ``host`` and ``port`` for those whom ``guard`` lets in; it cannot be published."""

    def __init__(self, guard: Guard, host: str, port: int):
        make = functools.partial(_WebsockServer, guard)
        init = with_names(viser.ViserServer.__init__, infra=_Instead(infra, WebsockServer=make))
        init(self, host=host, port=port, verbose=False)
        self.on_client_connect(_know_inputs)

    def request_share_url(self, verbose: bool = True) -> None:
        """Share nothing; viser would tunnel the dataset to the Internet."""


class _Instead:
    """A module in which some names mean something else."""

    def __init__(self, module: types.ModuleType, **names):
        self.__dict__.update(names, _module=module)

    def __getattr__(self, name: str):
        return getattr(self._module, name)


def with_names(function: Callable, **names) -> Callable:
    """``function``, to which these names of its module mean something else. Raises RuntimeError if it does not use
    them."""
    unused = names.keys() - _used(function.__code__)
    if unused:
        raise RuntimeError(
            f"viser {viser.__version__} cannot be guarded: {function.__qualname__} does not use {', '.join(unused)}. "
            "Install another: pip install 'viser==1.1.1'"
        )
    return types.FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        argdefs=function.__defaults__,
        closure=function.__closure__,
    )


def _used(code: types.CodeType) -> set[str]:
    """The names that ``code`` and the functions within it use."""
    within = (_used(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*within)


async def _know_inputs(client: viser.ClientHandle) -> None:
    client._websock_connection.inputs = client.gui._gui_input_handle_from_uuid  # type: ignore[attr-defined]


class _Reports:
    """The log of a server, to which nothing is said twice: whoever repeats what went wrong does not fill it."""

    def __init__(self):
        self._said = set()

    def say(self, text: str, level: int = logging.WARNING, error: bool = False) -> None:
        """Log ``text``, with the traceback of the present ``error``, if it was not before."""
        if text not in self._said:
            self._said.add(text)
            LOG.log(level, "%s This is reported once.", text, exc_info=error)


class _ClientConnection(infra.WebsockClientConnection):
    """One browser. inputs: what it may set, by viser's identifiers."""

    def __init__(self, reports: _Reports, *state):
        super().__init__(*state)
        self.inputs = {}
        self._reports = reports

    def queue_message(self, message) -> None:
        """Send ``message``; not to a browser that has just left, which viser would warn of."""
        if not self.get_message_buffer().done:
            super().queue_message(message)

    async def _handle_incoming_message(self, client_id, message) -> None:
        if isinstance(message, viser._messages.GuiUpdateMessage):
            handle = self.inputs.get(message.uuid)
            if handle is None or not is_offered(handle, message.updates["value"]):
                return
        try:
            await super()._handle_incoming_message(client_id, message)
        except Exception:  # asyncio would print each
            self._reports.say("A message of a browser could not be handled.", logging.ERROR, error=True)


class _WebsockServer(infra.WebsockServer):
    def __init__(self, guard: Guard, **options):
        super().__init__(**options)
        self.guard = guard
        self._reports = _Reports()
        self._scripts = script_sources((options["http_server_root"] / "index.html").read_text(encoding="utf-8"))
        self._log = logging.Logger("websockets")
        self._log.addFilter(self._is_news)

    def _background_worker(self, ready_sem) -> None:
        server = _Instead(websockets.asyncio.server, serve=self._serve)
        run = with_names(
            infra.WebsockServer._background_worker,
            websockets=_Instead(websockets, asyncio=_Instead(websockets.asyncio, server=server)),
            WebsockClientConnection=functools.partial(_ClientConnection, self._reports),
            _message_consumer=self._consume,
        )
        run(self, ready_sem)

    def _serve(self, handler, host: str, port: int, **options):
        """websockets' server, as viser would have it but for what is asked of those who connect."""
        files = options["process_request"]
        return websockets.asyncio.server.serve(
            functools.partial(self._welcome, handler),
            host,
            port,
            **{
                **options,
                "process_request": functools.partial(self._answer, files),
                "process_response": self._add_headers,
                "max_size": LONGEST_MESSAGE,
                "create_connection": _Connection,
                "server_header": None,
                "logger": self._log,
            },
        )

    def _answer(self, files, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None to open the WebSocket that it asks for."""
        try:
            return self._judge(files, connection, request)
        except Exception:  # viser has taught websockets to say nothing of it
            self._reports.say("A request could not be answered.", logging.ERROR, error=True)
            raise

    def _judge(self, files, connection: ServerConnection, request: Request) -> Response | None:
        refusal = self.guard.refusal(request.headers)
        if refusal is not None:
            return connection.respond(http.HTTPStatus.FORBIDDEN, refusal)
        if "Upgrade" in request.headers:
            return self._open(connection, request)
        if not self.guard.admits(request.path):
            return connection.respond(http.HTTPStatus.FORBIDDEN, NO_TOKEN)
        if self.guard.token and first_part(request.path) != self.guard.token:
            return _moved(self.guard.token, query(request.path))
        return files(connection, Request("/" if self.guard.token else request.path, request.headers))

    def _open(self, connection: ServerConnection, request: Request) -> Response | None:
        """None to open a WebSocket; a page of ours gets one even to be told that it is out of date."""
        if self._is_stale(request) and "Origin" not in request.headers:
            return connection.respond(http.HTTPStatus.FORBIDDEN, NO_TOKEN)
        if len(connection.server.connections) >= MOST_BROWSERS:
            return connection.respond(
                http.HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_BROWSERS} browsers are here already. Close one.\n"
            )
        return None

    def _is_stale(self, request: Request) -> bool:
        """Whether it comes from a page of an earlier viewer, or of another version of viser."""
        version = request.headers.get("Sec-WebSocket-Protocol", "")
        return version != f"viser-v{viser.__version__}" or not self.guard.admits(request.path)

    def _add_headers(self, connection: ServerConnection, request: Request, response: Response) -> None:
        for name, value in COMMON_HEADERS.items():
            response.headers[name] = value
        if response.status_code == http.HTTPStatus.OK:
            response.headers["Content-Security-Policy"] = content_policy(self._scripts, request.headers["Host"])

    async def _welcome(self, handler, connection: ServerConnection) -> None:
        assert connection.request is not None
        if self._is_stale(connection.request):
            await connection.close(websockets.CloseCode.PROTOCOL_ERROR, STALE)
        else:
            await handler(connection)

    async def _consume(self, connection: ServerConnection, handle: Callable, message_class: type) -> None:
        """Read messages for as long as there are any, no faster than is allowed."""
        allowance = Allowance(asyncio.get_running_loop().time())
        while True:
            raw = await connection.recv()
            await asyncio.sleep(allowance.wait(asyncio.get_running_loop().time()))
            if is_expected(raw):
                handle(message_class.deserialize(raw))
            else:
                self._reports.say("A message that no page of this viewer sends was dropped.")

    def _is_news(self, record: logging.LogRecord) -> bool:
        """Pass on what websockets says of its own errors; not what strangers do to it."""
        error = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.ERROR and not isinstance(error, WebSocketException | OSError | EOFError):
            self._reports.say(f"{record.msg} ({type(error).__name__}).", logging.ERROR, error=True)
        return False


class _Connection(ServerConnection):
    """A connection that ends when there are too many, or when it asks for answers and does not read them."""

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._control, self._parts = Allowance(self.loop.time()), 0
        if len(self.server.handlers) > MOST_CONNECTIONS:
            self._abort()

    def process_event(self, event) -> None:
        super().process_event(event)
        if isinstance(event, Frame) and not self._is_fair(event):
            self._abort()

    def _abort(self) -> None:
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.abort()

    def _is_fair(self, frame: Frame) -> bool:
        """Whether the frame belongs to a message of few parts, or is one of few pings."""
        if frame.opcode not in DATA_OPCODES:
            return self._control.wait(self.loop.time()) == 0
        self._parts = 0 if frame.fin else self._parts + 1
        return self._parts < MOST_PARTS


def _moved(token: str, rest: dict[str, list[str]]) -> Response:
    """To the page whose address holds the token in its path, where viser's page keeps it when it connects."""
    options = urlencode({name: values for name, values in rest.items() if name != "token"}, doseq=True)
    headers = Headers(
        {"Location": f"{token}/{'?' * bool(options)}{options}", "Content-Length": "0", "Connection": "close"}
    )
    return Response(http.HTTPStatus.SEE_OTHER, "See Other", headers)
