import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from okr_monitor.probes import _disks, ask


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "ready", "detail"),
    [
        (200, b'{"status":"ok"}', True, ""),
        (503, b'{"detail":"broker: away"}', False, "broker: away"),
        (503, b"{}", False, "HTTP 503"),
        (500, b"oops", False, "HTTP 500"),
        (404, b"[1]", False, "HTTP 404"),
    ],
)
def test_an_answer_is_an_answer(status: int, body: bytes, ready: bool, detail: str) -> None:  # noqa: FBT001
    with answering(status, body) as url:
        probe = ask("etl", url, 5)
    assert (probe.answered, probe.ready, probe.detail) == (True, ready, detail)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    probe = ask("etl", f"http://127.0.0.1:{port}", 5)
    assert (probe.answered, probe.detail) == (False, "Connection refused")


def test_somebody_listens_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        probe = ask("etl", f"http://127.0.0.1:{server.getsockname()[1]}", 0.1)
    assert (probe.answered, probe.detail) == (False, "timed out")


def test_somebody_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept_and_close() -> None:
            server.accept()[0].close()

        hang_up = threading.Thread(target=accept_and_close)
        hang_up.start()
        probe = ask("etl", f"http://127.0.0.1:{server.getsockname()[1]}", 5)
        hang_up.join()
    assert not probe.answered
    assert probe.detail


@pytest.mark.parametrize("url", ["no address", "ftp://127.0.0.1", "http://"])
def test_a_wrong_address_is_told(url: str) -> None:
    assert ask("etl", url, 1).detail


def test_disks(tmp_path: Path) -> None:
    (disk,) = _disks([tmp_path, tmp_path / "absent"])
    assert 0 < disk.used < 1
    assert disk.free_bytes > 0
