"""`python -m okr_trainer` runs the service."""

from functools import partial

from okr_common.service import serve
from okr_common.settings import load
from okr_trainer.service import STAGE, build
from okr_trainer.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    serve(STAGE, settings, partial(build, settings=settings))
