"""`python -m okr_ingest_csv` runs the service."""

if __name__ == "__main__":  # readers of large files import this module again: for them it must stay empty
    import gc

    gc.disable()  # as in the other services: `serve` turns it on
    from functools import partial

    from okr_common.service import serve
    from okr_common.settings import load
    from okr_ingest_csv.service import STAGE, build
    from okr_ingest_csv.settings import Settings

    settings = load(Settings)
    serve(STAGE, settings, partial(build, settings))
