"""`python -m okr_trainer` runs the service."""

if __name__ == "__main__":
    import gc

    gc.disable()  # imports make much and no garbage, and to look for it is a fifth of the start; `serve` turns it on
    from functools import partial

    from okr_common.service import serve
    from okr_common.settings import load
    from okr_trainer.service import STAGE, build
    from okr_trainer.settings import Settings

    settings = load(Settings)
    serve(STAGE, settings, partial(build, settings=settings))
