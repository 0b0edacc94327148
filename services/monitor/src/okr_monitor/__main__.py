"""`python -m okr_monitor` runs the service."""

if __name__ == "__main__":
    import gc

    gc.disable()  # imports make much and no garbage, and to look for it is a fifth of the start; `serve` turns it on
    from okr_common.service import serve
    from okr_common.settings import load
    from okr_monitor.service import STAGE, build
    from okr_monitor.settings import Settings

    settings = load(Settings)
    serve(STAGE, settings, lambda stack: build(stack, settings))
