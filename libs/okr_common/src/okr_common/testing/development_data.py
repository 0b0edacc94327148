"""Real files that may not be shipped: beside the checkout, or where OKR_DATA says."""

import os
from pathlib import Path

import pytest

from okr_common import paths

DEVELOPMENT_DATA = Path(os.environ.get("OKR_DATA") or paths.repository().parent / "shared" / "data")
needs_data = pytest.mark.skipif(
    not DEVELOPMENT_DATA.is_dir(), reason="the development data is not beside this checkout"
)
