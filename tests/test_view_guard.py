"""Who may use the viewer, and what they may send: by hand, and from pages of others in a real browser."""

import asyncio
import http.server
import logging
import re
import socket
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import msgspec
import pytest
import viser
import viser._messages
from viser import infra
from websockets import CloseCode, Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from mannequin.generator.dataset import failures
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import ConfigError
from mannequin.generator.spec import AppearanceSpec, MotionSpec
from mannequin.view import guarded
from mannequin.view.guard import COMMON_HEADERS, Guard, content_policy, is_loopback, make_guard
from mannequin.view.guarded import MOST_BROWSERS, MOST_CONNECTIONS, MOST_PARTS, STALE, with_names
from mannequin.view.incoming import BURST, KINDS, LONGEST_MESSAGE, RATE, Allowance, is_expected, is_offered
from mannequin.view.server import Viewer
from mannequin.view.session import MOST_TASKS
from tests.browser import Visit
from tests.clips import ball_clip
from tests.test_view import make_dataset, wait_for

VERSION = f"viser-v{viser.__version__}"
WIDE = 120_000.0
"""Milliseconds that a page may take for what is asked of it, on a machine under load."""

WICKED = "<img src=x onerror=hacked=1></script><script>hacked=1</script>{hacked=1} [a](javascript:hacked=1)"
CAMERA = {
    "type": "ViewerCameraMessage", "wxyz": [1, 0, 0, 0], "position": [0, -4.5, 1], "fov": 1.3, "near": 0.01,
    "far": 1000, "image_height": 600, "image_width": 800, "look_at": [0, 0, 0], "up_direction": [0, 0, 1],
}  # fmt: skip
CLICK = {
    "type": "SceneNodeClickMessage", "name": "/a", "instance_index": None, "ray_origin": [0, 0, 0],
    "ray_direction": [0, 1, 0], "screen_pos": [0.5, 0.5], "modifier": None, "owner": "0",
}  # fmt: skip
UPDATE = {"type": "GuiUpdateMessage", "uuid": "u", "updates": {"value": 3}}
COMMAND = {"type": "CommandTriggerMessage", "uuid": "u"}
STORED = {"type": "LocalStorageGetItemResponseMessage", "value": None, "error": None, "request_uuid": "u"}
UPLOAD = {
    "type": "FileTransferStartUpload", "source_component_uuid": "u", "transfer_uuid": "t", "filename": "f",
    "mime_type": "text/plain", "part_count": 2, "size_bytes": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("guarded") / "out", 2)


@pytest.fixture(scope="module")
def viewer(dataset):
    with Viewer(dataset.path) as viewer:
        yield viewer


@pytest.fixture(scope="module")
def unlocked(dataset):
    """A viewer without a token, so that what keeps others out is something else."""
    with Viewer(dataset.path, token=False) as viewer:
        yield viewer


def pack(message) -> bytes:
    return msgspec.msgpack.encode(message)


def base(viewer) -> str:
    """The WebSocket's address as the page of ``viewer`` derives it."""
    return f"ws://127.0.0.1:{viewer.port}" + (f"/{viewer.token}" if viewer.token else "")


@contextmanager
def opened(viewer, **options):
    """A browser made by hand, without Origin, that has said where its camera is and so has a session."""
    before = set(viewer._sessions)
    with connect(base(viewer), subprotocols=[VERSION], compression=None, max_size=None, **options) as client:
        client.send(pack(CAMERA))
        wait_for(lambda: set(viewer._sessions) - before)
        yield client


def answer(viewer, path: str, *headers: str) -> tuple[int, str]:
    """Status and text of the answer to a request with just these headers."""
    with socket.create_connection(("127.0.0.1", viewer.port)) as line:
        line.sendall("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        got = b""
        while b"\r\n\r\n" not in got or b"101 " not in got[:13]:
            part = line.recv(65536)
            if not part:
                break
            got += part
    return int(got.split()[1]), got.decode(errors="replace")


UPGRADE = (
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Sec-WebSocket-Protocol: {VERSION}",
)  # fmt: skip


# Whom the guard lets in


@pytest.mark.parametrize(
    ("host", "origin", "refused"),
    [
        ("localhost:8080", None, None),
        ("LOCALHOST:9000", "http://localhost:9000", None),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", None),
        ("[::1]:8080", "http://[::1]:8080", None),
        ("proxy.test", "https://proxy.test", None),
        ("localhost:8080", "http://localhost:3000", "another site"),
        ("localhost:8080", "http://127.0.0.1:8080", "another site"),
        ("localhost:8080", "http://localhost:8080.evil.test", "another site"),
        ("localhost:8080", "null", "another site"),
        ("localhost:8080", "", "another site"),
        ("localhost:8080", "file://", "another site"),
        ("evil.test:8080", "http://evil.test:8080", "the name evil.test. .*--allow-host evil.test"),
        ("localhost.evil.test", None, "the name"),
        ("192.168.0.7:8080", None, "the name"),
        ("a@localhost:8080", None, "which host"),
        ("localhost:8080/", None, "which host"),
        ("", None, "which host"),
        (None, None, "which host"),
    ],
)
def test_host_and_origin(host, origin, refused):
    guard = make_guard("127.0.0.1", True, ("Proxy.test",))
    headers = Headers({k: v for k, v in {"Host": host, "Origin": origin}.items() if v is not None})
    said = guard.refusal(headers)
    assert said is None if refused is None else re.search(refused, said)


@pytest.mark.parametrize("name", ["Host", "Origin", "Upgrade"])
def test_a_header_that_is_repeated_is_refused(name):
    headers = Headers([("Host", "localhost"), (name, "localhost"), (name, "localhost")])
    assert "repeats" in make_guard("127.0.0.1", True).refusal(headers)


def test_who_listens_beyond_this_machine_answers_to_addresses_and_its_name_but_no_other():
    guard = make_guard("0.0.0.0", True)
    asked = [f"{n}:80" for n in ("10.1.2.3", "[fe80::1]", "localhost", socket.gethostname(), "evil.test")]
    assert [guard.refusal(Headers(Host=name)) is None for name in asked] == [True, True, True, True, False]
    assert [is_loopback(h) for h in ("127.0.0.2", "::1", "LocalHost", "0.0.0.0", "::", "machine")] == [True] * 3 + [
        False
    ] * 3


@pytest.mark.parametrize("name", ["a:80", "http://a", "", "a b", "*"])
def test_a_name_to_be_allowed_is_a_name(name):
    with pytest.raises(ConfigError, match="no host name"):
        make_guard("127.0.0.1", True, (name,))


def test_the_token_in_path_or_query():
    guard = Guard("secret", frozenset())
    yes = ("/secret", "/secret/", "/secret/index.html?x=1", "/?token=secret", "/?a=b&token=secret")
    no = (
        "/",
        "/secre",
        "/secrets",
        "/a/secret",
        "/?token=",
        "/?token=Secret",
        "/?Token=secret",
        "/?token=\u00e9",
        "//",
        "",
    )
    assert all(map(guard.admits, yes)) and not any(map(guard.admits, no))
    assert Guard("", frozenset()).admits("/") and len(make_guard("localhost", True).token) >= 32
    assert make_guard("localhost", True).token != make_guard("localhost", True).token


# What pages get


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/?token=TOKEN", (), 303, "Location: TOKEN/\r"),
        ("/?token=TOKEN&fixedDpr=1", (), 303, "Location: TOKEN/?fixedDpr=1\r"),
        ("/TOKEN/", (), 200, "Content-Security-Policy"),
        ("/TOKEN", (), 200, "Content-Security-Policy"),
        ("/", (), 403, "The terminal in which it was started shows the whole address"),
        ("/?token=wrong", (), 403, "lacks the token"),
        ("/index.html", (), 403, "lacks the token"),
        ("/TOKEN/", ("Origin: http://evil.test",), 403, "another site"),
        ("/TOKEN/", ("Origin: null",), 403, "another site"),
        ("/TOKEN/../../../../../../etc/passwd", (), 200, "viser"),
        ("/", UPGRADE, 403, "lacks the token"),
        ("/TOKEN", UPGRADE, 101, "Upgrade"),
        ("/?token=TOKEN", UPGRADE, 101, "Upgrade"),
        ("/TOKEN", (*UPGRADE, "Origin: http://HOST"), 101, "Upgrade"),
        ("/TOKEN", (*UPGRADE, "Origin: http://evil.test"), 403, "another site"),
        ("/TOKEN", (*UPGRADE, "Origin: null"), 403, "another site"),
        ("/TOKEN", (*UPGRADE, "Origin: http://localhost:1"), 403, "another site"),
        ("/TOKEN", ("Upgrade: websocket", *UPGRADE), 403, "repeats"),
        ("/TOKEN", (*UPGRADE[:4], "Sec-WebSocket-Protocol: viser-v[bold]"), 403, "lacks"),
    ],
)
def test_requests(viewer, path, headers, status, said):
    host = f"127.0.0.1:{viewer.port}"
    fill = lambda text: text.replace("TOKEN", viewer.token).replace("HOST", host)  # noqa: E731
    got, text = answer(viewer, fill(path), f"Host: {host}", *map(fill, headers))
    assert got == status and fill(said) in text
    assert status == 101 or all(f"{k}: {v}" in text for k, v in COMMON_HEADERS.items())


def test_a_rebound_name_gets_nothing_whatever_it_knows(viewer, unlocked):
    for one, path in ((viewer, f"/{viewer.token}"), (unlocked, "/")):
        host = f"a.rebound.test:{one.port}"
        for extra in ((), UPGRADE, (*UPGRADE, f"Origin: http://{host}")):
            status, text = answer(one, path, f"Host: {host}", *extra)
            assert status == 403 and "does not answer to the name a.rebound.test" in text


def test_without_a_token_the_page_is_there_but_not_for_other_pages(unlocked):
    assert unlocked.url == f"http://127.0.0.1:{unlocked.port}" and urllib.request.urlopen(unlocked.url).status == 200
    with pytest.raises(InvalidStatus, match="403"):
        connect(base(unlocked), subprotocols=[VERSION], origin="http://evil.test")
    with opened(unlocked):
        pass


def test_a_proxy_that_is_named_may_ask(dataset):
    with Viewer(dataset.path, allow_host=("proxy.test",)) as viewer:
        assert answer(viewer, f"/{viewer.token}/", "Host: proxy.test", "Origin: https://proxy.test")[0] == 200


def test_a_page_of_an_earlier_viewer_is_told_so(viewer):
    origin = f"http://127.0.0.1:{viewer.port}"
    before = len(viewer._sessions)
    page = connect(f"ws://127.0.0.1:{viewer.port}/old", subprotocols=[VERSION], origin=origin)
    with page, pytest.raises(ConnectionClosed) as closed:
        page.recv()
    assert closed.value.rcvd.code == CloseCode.PROTOCOL_ERROR and closed.value.rcvd.reason == STALE
    assert len(viewer._sessions) == before


# What may be sent


@pytest.mark.parametrize("message", [CAMERA, CLICK, UPDATE, COMMAND, STORED])
def test_messages_of_the_page_are_expected(message):
    assert is_expected(pack(message))
    assert viser._messages.Message.deserialize(pack(message)) is not None


def deep(levels: int) -> bytes:
    return b"\x91" * levels + b"\x90"


@pytest.mark.parametrize(
    "raw",
    [
        "text", b"", b"\xc1", pack(None), pack([]), pack({}), deep(60_000), pack({"type": "NoMessage"}), pack(UPLOAD),
        pack({"type": "FileTransferPart", "transfer_uuid": "t", "part_index": 0, "content": b"x"}),
        pack({"type": "ShareUrlRequest"}), pack({"type": "RunJavascriptMessage", "source": "1"}),
        pack({"type": "GuiFormDirtyMessage", "uuid": "u"}),
        pack({**UPDATE, "updates": {"removed": True}}), pack({**UPDATE, "updates": {"value": 1, "label": "x"}}),
        pack({**UPDATE, "updates": {"value": [1] * 10_000}}), pack({**UPDATE, "updates": {"value": float("nan")}}),
        pack({**UPDATE, "updates": {"value": 10**18}}), pack({**UPDATE, "uuid": 7}),
        pack({**CAMERA, "image_height": 0}), pack({**CAMERA, "position": [0, float("inf"), 0]}),
        pack({**CAMERA, "position": [0] * 20_000}), pack({**CAMERA, "wxyz": [0, 0, 0, 0]}),
        pack({**CLICK, "ray_direction": [0, 0, 0]}), pack({**CLICK, "extra": 1}), pack(STORED) + b"x",
    ],
)  # fmt: skip
def test_messages_that_are_dropped(raw):
    assert not is_expected(raw)


def test_the_messages_are_those_that_viser_reads():
    for kind in KINDS:
        ours, theirs = msgspec.inspect.type_info(kind), getattr(viser._messages, kind.__struct_config__.tag)
        assert {f.name for f in ours.fields} == set(infra._messages.wire_field_names(theirs))


def test_what_an_input_offers():
    server = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
    try:
        gui = server.gui
        offers = [
            (gui.add_dropdown("a", ("x", "y")), ["x", "y"], ["z", 1, True]),
            (gui.add_button_group("b", ("x", "y")), ["x"], ["z", 0]),
            (gui.add_checkbox("c", True), [True, False], [0, "x"]),
            (gui.add_button("d"), [True], [1, "x"]),
            (gui.add_text("e", ""), ["", "x" * 1000], ["x" * 1001, 1]),
            (gui.add_slider("f", 0, 5, 1, 0), [0, 5, 2.0], [-1, 6, "1", True]),
            (gui.add_number("g", 1.0, min=0.0), [0, 1e8], [-1.0, "1", False]),
            (gui.add_upload_button("h"), [], [True, "x"]),
        ]
        assert all(is_offered(handle, v) for handle, good, _ in offers for v in good)
        assert not any(is_offered(handle, v) for handle, _, bad in offers for v in bad)
    finally:
        server.stop()


def test_nonsense_is_dropped_with_one_word_and_the_page_goes_on(viewer, caplog):
    viewer._server._websock_server._reports._said.clear()
    with caplog.at_level(logging.WARNING), opened(viewer) as client:
        session = viewer._sessions[max(viewer._sessions)]
        gui = session.client.gui
        for i in range(150):
            for raw in (
                pack({"type": f"No{i}"}),
                b"\xc1" * 1000,
                deep(50_000),
                pack({**UPLOAD, "transfer_uuid": str(i)}),
            ):
                client.send(raw)
        wait_for(lambda: session._shown)
        frame, set_to = session.controls._frame, []
        frame.on_update(lambda event: set_to.append(event.target.value))
        for value in (1e8, "x", 4):  # it has six frames
            client.send(pack({**UPDATE, "uuid": frame._impl.uuid, "updates": {"value": value}}))
        wait_for(lambda: set_to)
        assert set_to == [4]
        assert not gui._current_file_upload_states and not viewer._server.gui._current_file_upload_states
    assert [r.levelname for r in caplog.records] == ["WARNING"] and "was dropped" in caplog.text


def test_what_fails_within_viser_is_reported_once(viewer, caplog):
    viewer._server._websock_server._reports._said.clear()
    with caplog.at_level(logging.WARNING), opened(viewer) as client:
        connection = viewer._server.get_clients()[max(viewer._sessions)]._websock_connection
        tried = []
        connection.register_handler(viser._messages.CommandTriggerMessage, lambda *_: tried.append(1) or 1 / 0)
        for _ in range(50):
            client.send(pack(COMMAND))
        wait_for(lambda: len(tried) == 50)
    assert caplog.text.count("ZeroDivisionError") == 1 and len(caplog.records) == 1


def test_a_message_that_is_too_long_ends_the_connection(viewer):
    with opened(viewer) as client:
        client.send(b"\xc1" * LONGEST_MESSAGE)
        client.send(b"\xc1" * (LONGEST_MESSAGE + 1))
        assert close_code(client) == CloseCode.MESSAGE_TOO_BIG


def close_code(client) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.recv()
    return closed.value.rcvd.code if closed.value.rcvd else None


def test_a_message_of_ever_more_parts_ends_the_connection(viewer):
    with opened(viewer) as client:
        empty = Frame(Opcode.CONT, b"", fin=False)
        with client.protocol_mutex:
            data = Frame(Opcode.BINARY, b"", fin=False).serialize(mask=True) + MOST_PARTS * empty.serialize(mask=True)
            client.socket.sendall(data)
        close_code(client)


def test_who_asks_for_thousands_of_answers_is_left(viewer):
    with opened(viewer) as client:
        with client.protocol_mutex:
            client.socket.sendall(20 * int(BURST) * Frame(Opcode.PING, b"x" * 100).serialize(mask=True))
        close_code(client)


def test_messages_are_read_at_a_steady_rate():
    allowance, now, waited = Allowance(0.0), 0.0, 0.0
    for _ in range(2000):
        pause = allowance.wait(now)
        waited += pause
        now += pause
    assert waited == pytest.approx((2000 - BURST) / RATE, rel=1e-6)
    drag = Allowance(0.0)
    assert not any(drag.wait(i / 60) for i in range(6000))


def test_a_flood_waits_in_the_sender(viewer, monkeypatch):
    slept = []
    sleep = asyncio.sleep

    async def asleep(seconds):
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(guarded.asyncio, "sleep", asleep)
    with opened(viewer) as client:
        for _ in range(int(2 * BURST)):
            client.send(pack(COMMAND))
        wait_for(lambda: len(slept) > 2 * BURST)
    assert max(slept) > 0


def test_no_more_browsers_than_there_are_threads_for(dataset):
    with Viewer(dataset.path) as viewer, ExitStack() as stack:
        for _ in range(MOST_BROWSERS):
            stack.enter_context(connect(base(viewer), subprotocols=[VERSION], compression=None))
        with pytest.raises(InvalidStatus) as refused:
            connect(base(viewer), subprotocols=[VERSION])
        assert refused.value.response.status_code == 503 and b"Close one" in refused.value.response.body


def test_no_more_connections_than_a_few(dataset, caplog):
    with Viewer(dataset.path) as viewer, ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", viewer.port))) for _ in range(MOST_CONNECTIONS)
        ]
        with socket.create_connection(("127.0.0.1", viewer.port)) as late, pytest.raises(ConnectionResetError):
            while late.recv(100):
                pass
            raise ConnectionResetError
        for line in lines:
            line.close()
        wait_for(lambda: reached(viewer))
    assert not caplog.records


def reached(viewer) -> bool:
    try:
        return urllib.request.urlopen(viewer.url).status == 200
    except OSError:
        return False


def test_tasks_do_not_pile_up_behind_a_browser_that_does_not_answer(viewer):
    with opened(viewer):
        session = viewer._sessions[max(viewer._sessions)]
        wait_for(lambda: session._shown)  # and waits for a sign that it has arrived
        for _ in range(5000):
            session.do()
        assert session._tasks.qsize() <= MOST_TASKS


# viser beneath


def test_viser_for_others_in_this_process_is_as_it_was(viewer):
    other = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
    try:
        with connect(f"ws://127.0.0.1:{other.get_port()}", subprotocols=[VERSION], origin="http://evil.test"):
            pass
    finally:
        other.stop()


def test_a_viser_that_works_in_another_way_is_refused():
    with pytest.raises(RuntimeError, match=r"cannot be guarded: .*does not use gate.*viser==1.1.1"):
        with_names(viser.ViserServer.__init__, gate=None)
    with pytest.raises(RuntimeError, match="not packed"):
        guarded.script_sources("<html><script>1</script></html>")


def test_the_policy_names_each_script_by_its_hash():
    policy = content_policy("'sha256-x'", "localhost:1")
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "frame-ancestors 'none'" in policy and "ws://localhost:1" in policy


# In a browser


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Pages of somebody else, on another port."""

    def do_GET(self):
        body = b"<!doctype html><title>elsewhere</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere(browser):
    """A page of another origin on this machine, in a browser that also has the viewer's page open."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Visit(browser, f"http://127.0.0.1:{server.server_port}/") as visit:
        visit.page.set_default_timeout(WIDE)
        yield visit.page
    server.shutdown()
    server.server_close()


SOCKET = """([url, version]) => new Promise(done => {
  const socket = new WebSocket(url, [version]);
  socket.onmessage = () => done('read');
  socket.onclose = event => done(`closed ${event.code}`);
})"""
FETCH = """([url, mode]) => fetch(url, {mode, credentials: 'include'}).then(
  answer => answer.type === 'opaque' ? 'opaque' : answer.text(), () => 'refused')"""
FRAME = """url => new Promise(done => {
  const frame = document.createElement('iframe');
  frame.onload = () => { try { done(frame.contentDocument ? 'ours' : 'theirs') } catch { done('theirs') } };
  frame.src = url;
  document.body.append(frame);
})"""


@pytest.mark.parametrize("name", ["viewer", "unlocked"])
def test_a_page_of_another_origin_reads_nothing_even_if_it_knows_the_token(elsewhere, browser, request, name):
    viewer = request.getfixturevalue(name)
    with Visit(browser, viewer.url) as own:
        own.page.get_by_role("button", name="● rgb").wait_for(timeout=WIDE)
        before = len(viewer._sessions)
        page = base(viewer).replace("ws://", "http://") + "/"
        for host in ("127.0.0.1", "localhost"):
            url = base(viewer).replace("127.0.0.1", host)
            assert elsewhere.evaluate(SOCKET, [url, VERSION]) == "closed 1006"
        assert elsewhere.evaluate(FETCH, [page, "cors"]) == "refused"
        assert elsewhere.evaluate(FETCH, [page, "no-cors"]) == "refused"
        elsewhere.evaluate(FRAME, page)
        framed = elsewhere.frames[-1]
        assert framed.url == "chrome-error://chromewebdata/" and len(viewer._sessions) == before


def test_a_rebound_name_shows_no_page(browser, viewer, unlocked):
    for one in (viewer, unlocked):
        url = one.url.replace("127.0.0.1", "evil.rebound.test")
        with Visit(browser, url) as visit:
            assert "does not answer to the name evil.rebound.test" in visit.page.inner_text("body")


def test_the_page_without_its_token_says_where_the_address_is(browser, viewer):
    with Visit(browser, viewer.url.partition("?")[0]) as visit:
        assert "shows the whole address" in visit.page.inner_text("body")


def test_reloading_works_and_after_a_restart_the_page_says_what_to_do(browser, dataset):
    with Viewer(dataset.path) as first:
        visit = Visit(browser, first.url)
        visit.page.get_by_role("button", name="● rgb").wait_for(timeout=WIDE)
        visit.page.reload()
        visit.page.get_by_role("button", name="● rgb").wait_for(timeout=WIDE)
    with visit, Viewer(dataset.path, port=first.port) as second:
        visit.page.bring_to_front()
        visit.page.get_by_text(STALE).first.wait_for(timeout=WIDE)
        visit.page.reload()
        assert "lacks the token" in visit.page.inner_text("body")
        visit.page.goto(second.url)
        visit.page.get_by_role("button", name="● rgb").wait_for(timeout=WIDE)


def test_two_viewers_in_one_browser_each_with_its_token(browser, dataset, viewer):
    with Viewer(dataset.path) as other, Visit(browser, viewer.url) as a, Visit(browser, other.url) as b:
        for visit in (a, b, a):
            visit.page.reload()
            visit.page.get_by_role("button", name="● rgb").wait_for(timeout=WIDE)
        assert answer(other, f"/{viewer.token}/", f"Host: localhost:{other.port}")[0] == 403


def wicked_dataset(folder):
    clip = ball_clip(2, (60, 80), 2, name=WICKED.replace("/", "|"), tags={"action": WICKED, WICKED: WICKED})
    people = tuple(
        replace(p, name=f"{i}{WICKED}".replace("/", "|"), appearance=AppearanceSpec(WICKED), motion=MotionSpec(WICKED))
        for i, p in enumerate(clip.spec.people)
    )
    cameras = tuple(replace(c, name=f"{c.name}{WICKED}".replace("/", "|")) for c in clip.spec.cameras)
    names = dict(zip((p.name for p in clip.spec.people), (p.name for p in people)))
    eyes = dict(zip((c.name for c in clip.spec.cameras), (c.name for c in cameras)))
    spec = replace(clip.spec, people=people, cameras=cameras, split=WICKED, preset=WICKED)
    views = {eyes[e]: replace(v, people={names[n]: p for n, p in v.people.items()}) for e, v in clip.views.items()}
    clip = replace(
        clip, spec=spec, views=views, people={names[n]: t for n, t in clip.people.items()}, versions={WICKED: WICKED}
    )
    dataset = create_or_resume(folder, {"made": WICKED}, 3)
    dataset.path_of(0).parent.mkdir(parents=True, exist_ok=True)
    write_clip(dataset.path_of(0), clip, rgb="png")
    failures.record(folder, failures.Failure(1, WICKED, WICKED, "", 1, WICKED, WICKED, {}, None))
    dataset.path_of(2).write_bytes(b"no clip")
    return dataset


def test_names_from_strangers_stay_text(browser, tmp_path):
    dataset = wicked_dataset(tmp_path / "a <img src=x onerror=hacked=1>")
    with Viewer(dataset.path) as viewer, Visit(browser, viewer.url) as visit:
        page = visit.page
        page.set_default_timeout(WIDE)
        page.get_by_role("button", name="● rgb").wait_for()
        page.get_by_role("button", name="○ instance").click()
        for tab in ("Pixel", "3D", "About", "Pictures"):
            page.get_by_role("tab", name=tab).click()
            if tab == "Pixel":
                page.mouse.click(600, 450)
            if tab == "About":
                page.get_by_text("[a](javascript:hacked=1)").first.wait_for()
        page.get_by_text("1 of 3").wait_for(state="detached")
        page.get_by_role("button", name="○ 3D").click()
        page.get_by_role("button", name="● 3D").wait_for()
        page.get_by_text("filters").click()
        page.get_by_role("button", name="000001 · failed").click()
        page.get_by_text("<img src=x onerror=hacked=1>").first.wait_for()
        page.get_by_role("button", name="000002 · damaged").click()
        page.get_by_text("not a whole HDF5 file").first.wait_for()
        assert page.evaluate("typeof hacked") == "undefined" and not page.query_selector("img[src='x'], a[href^=java]")
        assert visit.errors == []


def test_were_a_name_not_escaped_its_script_would_not_run(browser, dataset):
    with Viewer(dataset.path) as viewer, Visit(browser, viewer.url) as visit:
        visit.page.get_by_role("button", name="● rgb").wait_for(timeout=WIDE)
        (session,) = viewer._sessions.values()
        session.client.gui.add_html("<img src=x onerror='window.hacked=1'><b id=put>in</b>")
        visit.page.locator("#put").wait_for(state="attached", timeout=WIDE)
        wait_for(lambda: any("Content Security Policy" in e for e in visit.errors) or visit.page.wait_for_timeout(20))
        assert visit.page.evaluate("typeof hacked") == "undefined"
