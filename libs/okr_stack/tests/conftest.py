"""A stand-in for a service: the supervisor's tests need a process with /readyz, not a pipeline."""

import os
from collections.abc import Iterator, Mapping

import pytest

from okr_stack.stack import Stack

STAND_IN = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

if os.environ.get("STAND_IN") == "dies":
    sys.exit("the stand-in was told to die")

class Answer(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Answer.asked += 1
        well = Answer.asked == 1 or os.environ.get("STAND_IN") != "is ready once"
        self.send_response(200 if well else 503)
        self.end_headers()
        self.wfile.write(b'{"detail": "database: away"}')

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(os.environ["OKR_REST__PORT"])), Answer).serve_forever()
"""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which `python -m okr_monitor` is the stand-in."""
    folder = tmp_path_factory.mktemp("stand-in")
    package = folder / "okr_monitor"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN)
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack beside the session's, for tests that bring it up and down; it keeps its data between them."""
    stack = Stack(tmp_path_factory.mktemp("own") / "state", tied=True)
    yield stack
    stack.erase()
