"""The monitor's settings: group `monitor` of pipeline_config.json, or OKR_MONITOR__<FIELD>."""

from pathlib import Path

from pydantic import Field

from okr_common.settings import Group, ServiceSettings
from okr_common.topology import STAGES


def _default_services() -> dict[str, str]:
    return {stage.service: f"http://127.0.0.1:{stage.default_port}" for stage in STAGES.values()}


class MonitorSettings(Group):
    """What is watched, how often, and what is too much."""

    services: dict[str, str] = Field(
        default_factory=_default_services, description="address of each service process; the supervisor says them"
    )
    look_seconds: float = Field(5, gt=0, description="between two looks at services, broker, databases, queues, disks")
    again_seconds: float = Field(1, ge=0, description="a service that is not ready is asked once more after this time")
    probe_timeout_seconds: float = Field(2, gt=0, description="no answer within this time is none")
    grace_seconds: float = Field(60, ge=0, description="so long after the monitor's start a service may be starting")
    unready_seconds: float = Field(15, ge=0, description="so long a service may answer that it is not ready")
    lag_limit: int = Field(10_000, ge=0, description="records a consumer group may have still to read")
    lag_patience_seconds: float = Field(120, ge=0, description="a large file may hold a group above its limit so long")
    outbox_limit_seconds: float = Field(120, gt=0, description="how long a message may wait in an outbox")
    disk_limit: float = Field(0.9, gt=0, le=1, description="used share of a file system")
    disks: list[Path] = Field([Path()], description="folders whose file systems are watched")
    lost_files_limit: float = Field(0.1, ge=0, lt=1, description="share of failed and quarantined among ended files")
    lost_files_hours: float = Field(24, gt=0, description="files that ended within this time are looked at")
    drift_limit: float = Field(0.2, gt=0, description="stability index; more, where chance alone may exceed it")
    drift_hours: float = Field(24 * 30, gt=0, description="live predictions made within this time are looked at")
    drift_rows: int = Field(2_000, gt=0, description="of them at most so many, the newest")
    drift_ignored: set[str] = Field(
        {
            *("base_of_50", "base_of_500", "base_odds", "base_rate", "gap_odds", "hit_rate", "left_odds"),
            *("objective_odds", "open_in_source", "owner_odds", "owner_reach", "predecessor", "predecessor_margin"),
            *("series_odds", "way_odds"),
        },
        description="features that sum up all outcomes so far, or what is open: they move by themselves, so no alarm",
    )
    training_rows: int = Field(50_000, gt=0, description="rows of a training replay that its histogram is made of")
    scored_rows: int = Field(50_000, gt=0, description="predictions that are compared with the baselines, the newest")


class Settings(ServiceSettings):
    """Everything this service reads."""

    monitor: MonitorSettings = MonitorSettings()
