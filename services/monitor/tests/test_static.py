"""Foreign files are unchanged, and the page's own parts agree with each other."""

import hashlib
from importlib.resources import files

from okr_monitor.web.page import assets

STATIC = files("okr_monitor.web").joinpath("static")


def test_foreign_files_are_byte_for_byte_those_that_were_taken() -> None:
    lines = [line.split() for line in STATIC.joinpath("SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    assert set(listed) == {"htmx.min.js", "hx-sse.min.js", "htmx.LICENSE.txt"}
    for name, digest in listed.items():
        assert hashlib.sha256(STATIC.joinpath(name).read_bytes()).hexdigest() == digest, name


def test_every_foreign_file_has_its_origin() -> None:
    origin = STATIC.joinpath("ORIGIN.txt").read_text()
    ours = {"style.css", "live.js", "ORIGIN.txt"}
    assert all(name in origin for name in assets() if name not in ours)
