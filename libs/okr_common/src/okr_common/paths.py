"""Where the house keeps what is not code."""

import os
from pathlib import Path

CONFIG_PLACES = (Path("configs"), Path("/workspace/configs"), Path("/opt/airflow/configs"))
"""Folders that may hold pipeline_config.json, after the file $OKR_CONFIG names."""


def home() -> Path:
    """Where the house stands, wherever a process was started: $OKR_HOME, else the checkout this was installed from."""
    return Path(os.environ.get("OKR_HOME") or Path(__file__).resolve().parents[4]).absolute()


def repository() -> Path:
    """The folder that holds `deploy/` and `configs/`: `home()`.

    Raises FileNotFoundError where that holds no `deploy/migrations`.
    """
    folder = home()
    if not (folder / "deploy" / "migrations").is_dir():
        raise FileNotFoundError(f"{folder} holds no deploy/migrations; set OKR_HOME to the checkout of okr-pipeline")
    return folder


def config_file() -> Path | None:
    """pipeline_config.json: $OKR_CONFIG, else the first of the known places that has one, else None."""
    named = os.environ.get("OKR_CONFIG")
    if named:
        return Path(named)
    return next(
        (place / "pipeline_config.json" for place in CONFIG_PLACES if (place / "pipeline_config.json").is_file()), None
    )
