"""`python -m okr_etl` runs the service."""

from functools import partial

from okr_common.service import serve
from okr_common.settings import load
from okr_common.topology import STAGES
from okr_etl.memory import give_back
from okr_etl.service import build
from okr_etl.settings import Settings

if __name__ == "__main__":
    give_back()
    settings = load(Settings)
    serve(STAGES["etl"], settings, partial(build, settings=settings))
