"""`python -m okr_ingest_api` runs the service."""

from functools import partial

from okr_common.service import serve
from okr_common.settings import load
from okr_ingest_api.service import STAGE, build
from okr_ingest_api.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    serve(STAGE, settings, partial(build, settings))
