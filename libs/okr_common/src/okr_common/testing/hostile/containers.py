"""What is no CSV at all under a CSV's name: archives, workbooks, images, programs, and texts of another kind."""

import bz2
import gzip
import io
import lzma
import sqlite3
import zipfile

from okr_common.testing.hostile.case import Hostile, refused, stranger
from okr_common.testing.hostile.goals import goals, table

_ZIP_TIME = (2026, 1, 1, 0, 0, 0)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\x00\x03\x00\xfe\xff\x09\x00" + bytes(480)
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04"
_ZSTD = b"\x28\xb5\x2f\xfd\x24\x0c\x61\x00\x00id,title\n1,2"
_PARQUET = b"PAR1\x15\x04\x15\x10\x15\x14L\x15\x02\x15\x00\x12\x00\x00"
_ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00"
_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"


def containers() -> list[Hostile]:
    """All of them."""
    told = (
        ("gzip.csv", "an archive of gzip", gzip.compress(_csv(), mtime=0)),
        ("zip.csv", "an archive of zip", _zipped("goals.csv", _csv())),
        ("zip-empty.csv", "an archive of zip with nothing in it", b"PK\x05\x06" + bytes(18)),
        ("bzip2.csv", "an archive of bzip2", bz2.compress(_csv())),
        ("xz.csv", "an archive of xz", lzma.compress(_csv())),
        ("zstd.csv", "an archive of zstd", _ZSTD),
        ("7z.csv", "an archive of 7z", b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24)),
        ("xlsx.csv", "a workbook", _zipped("xl/workbook.xml", b"<workbook/>")),
        ("xls.csv", "an old workbook", _OLE),
        ("sqlite.csv", "a database", _database()),
        ("parquet.csv", "a table in columns", _PARQUET),
        ("pdf.csv", "a document", _PDF),
        ("png.csv", "an image", _PNG),
        ("jpeg.csv", "a photograph", _JPEG),
        ("gif.csv", "a small image", _GIF),
        ("program.csv", "a program", _ELF),
        ("tar.csv", "an archive of tar", b"goals.csv" + bytes(91) + b"0000644\x00" + bytes(404) + _csv()),
        ("controls-only.csv", "bytes of no meaning", bytes(range(32)) * 64),
        ("nuls-for-rows.csv", "a small file that is mostly NULs", _csv() + bytes(4_096)),
        ("nuls-only.csv", "what a crash leaves of a file on some disks", bytes(4_096)),
    )
    return [refused(name, wrong, content, "binary") for name, wrong, content in told] + _texts()


def _csv() -> bytes:
    return table(goals("packed")).encode()


def _zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content)
    return target.getvalue()


def _database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table goal (id, title)")
    connection.commit()
    content = connection.serialize()
    connection.close()
    return content


def _texts() -> list[Hostile]:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
    return [
        stranger(
            "web-page.csv",
            "the page that said: please log in",
            b"<!DOCTYPE html>\n<html><body>Log in</body></html>\n",
            ("<!DOCTYPE html>",),
        ),
        stranger("json.csv", "objects, not rows", b'[{"id": 1},\n {"id": 2}]\n', ('[{"id": 1}', "")),
        stranger(
            "pointer.csv",
            "where a large file is, not the file",
            pointer.encode(),
            ("version https://git-lfs.github.com/spec/v1",),
        ),
        stranger(
            "prose.csv",
            "a letter",
            b"Dear all, please find attached,\nas usual\n",
            ("Dear all", " please find attached", ""),
        ),
    ]
