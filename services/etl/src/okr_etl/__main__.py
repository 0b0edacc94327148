"""`python -m okr_etl` runs the service."""

import gc
from functools import partial

from okr_etl.memory import give_back


def main() -> None:
    """How polars uses memory is told before it is loaded."""
    gc.disable()  # as in the other services: `serve` turns it on
    give_back()
    from okr_common.service import serve  # noqa: PLC0415 - see above
    from okr_common.settings import load  # noqa: PLC0415
    from okr_common.topology import STAGES  # noqa: PLC0415
    from okr_etl.service import build  # noqa: PLC0415
    from okr_etl.settings import Settings  # noqa: PLC0415

    settings = load(Settings)
    serve(STAGES["etl"], settings, partial(build, settings=settings))


if __name__ == "__main__":
    main()
