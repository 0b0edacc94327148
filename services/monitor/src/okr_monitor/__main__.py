"""`python -m okr_monitor`: the service."""

from okr_common.service import serve
from okr_common.settings import load
from okr_monitor.service import STAGE, build
from okr_monitor.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    serve(STAGE, settings, lambda stack: build(stack, settings))
