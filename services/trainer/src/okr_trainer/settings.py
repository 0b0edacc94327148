"""The trainer's settings: group `trainer` of pipeline_config.json, OKR_TRAINER__<FIELD>."""

from typing import Literal, Self

from pydantic import Field, model_validator

from okr_common.settings import Group, ServiceSettings
from okr_trainer.domain.gates import Rules
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.risk import CutPoints


class GateSettings(Group):
    """What a version must keep to before it serves; log losses in nats, over the labels it is judged by."""

    last_labels: int = Field(
        500, gt=0, description="outcomes, the newest, it is judged by: what it does now, not what it did years ago"
    )
    least_labels: int = Field(
        20, gt=0, description="fewer outcomes, also of one source, judge nothing: chance alone would decide"
    )
    margin: float = Field(
        0.002,
        ge=0,
        description="another kind of model must have a log loss better by this than the one it replaces; one of the "
        "same pipeline, which has learned more or anew, must not be worse by more. A tenth of what a good feature "
        "brings: less is not worth a switch",
    )
    calibration_margin: float = Field(
        0.05,
        ge=0,
        description="so much worse the calibration error (ten bins) may be; that of a few hundred check-ins varies "
        "by 0.03 by chance",
    )
    source_margin: float = Field(
        0.05, ge=0, description="so much worse the log loss may be for one of several sources: a part varies more"
    )

    @property
    def rules(self) -> Rules:
        """As the domain reads them."""
        return Rules(**self.model_dump())


class PipelineSettings(Group):
    """Which pipelines a model has."""

    champion: str = Field(description="the pipeline of its first training, by its builder's name")
    challengers: list[str] = Field(default=[], description="those that learn in its shadow")


class TrainerSettings(Group):
    """How models are made and read."""

    models: dict[str, list[str]] = Field(
        default={}, description="model: its sources; a source that is not named is its own model"
    )
    pipeline: str = Field("ensemble", description="the champion's pipeline, by its builder's name")
    challengers: list[str] = Field(
        default=[],
        description="pipelines that [learn in the shadow](models.md#challengers) of the one that serves, in a process "
        "of their own, and take its place where they pass the gates. None by default: each costs about as much "
        "processor time as the stream itself",
    )
    pipelines: dict[str, PipelineSettings] = Field(
        default={},
        description="model: its pipelines as `champion` and `challengers`, where they are not `pipeline` and "
        "`challengers`",
    )
    promotion: Literal["automatic", "manual"] = Field(
        "automatic",
        description="whether a version that passes the gates serves at once, or waits for `okr models promote`",
    )
    gates: GateSettings = Field(GateSettings(), description="what a version must keep to before it serves")
    high_risk_below: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="probabilities below this are high risk; given with `medium_risk_below` or not at all. By default "
        "each version has [cut points of its own](models.md#risk-bands)",
    )
    medium_risk_below: float | None = Field(None, gt=0, lt=1, description="below this medium, the rest low")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._pipelines_known()
        self._bands_consistent()
        named = [source for sources in self.models.values() for source in sources]
        if len(named) != len(set(named)):
            raise ValueError("a source can belong to one model only")
        return self

    def _pipelines_known(self) -> None:
        for one in (self._of_all, *self.pipelines.values()):
            for name in (one.champion, *one.challengers):
                if name not in BUILDERS:
                    raise ValueError(f"no pipeline is called {name!r}; known are {', '.join(sorted(BUILDERS))}")
            if len({one.champion, *one.challengers}) <= len(one.challengers):
                raise ValueError("each pipeline can be named once only, as champion or as challenger")

    def _bands_consistent(self) -> None:
        high, medium = self.high_risk_below, self.medium_risk_below
        if (high is None) != (medium is None):
            raise ValueError("give both high_risk_below and medium_risk_below, or neither")
        if high is not None and medium is not None and high > medium:
            raise ValueError("high_risk_below must not be above medium_risk_below")

    @property
    def cut_points(self) -> CutPoints | None:
        """The risk bands; None: each version's own."""
        if self.high_risk_below is None or self.medium_risk_below is None:
            return None
        return CutPoints(self.high_risk_below, self.medium_risk_below)

    @property
    def _of_all(self) -> PipelineSettings:
        return PipelineSettings(champion=self.pipeline, challengers=self.challengers)

    @property
    def has_challengers(self) -> bool:
        """Whether any model may have one."""
        return bool(self.challengers) or any(one.challengers for one in self.pipelines.values())

    def trained_as(self, model: str, serves: str | None) -> str:
        """The pipeline of the model's next training: the one that serves, where it is one of the model's."""
        known = self.pipelines.get(model, self._of_all)
        return serves if serves in {known.champion, *known.challengers} and serves is not None else known.champion

    def in_shadow_of(self, model: str, serves: str) -> list[str]:
        """The pipelines that learn in the shadow of this one: the model's others, whatever they began as."""
        known = self.pipelines.get(model, self._of_all)
        return sorted({known.champion, *known.challengers} - {serves}) if known.challengers else []

    def model_of(self, source: str) -> str:
        """The model that serves this source."""
        return next((model for model, sources in self.models.items() if source in sources), source)

    def sources_of(self, model: str) -> list[str]:
        """The sources this model serves."""
        return self.models.get(model, [model])


class Settings(ServiceSettings):
    """All the trainer reads."""

    trainer: TrainerSettings = TrainerSettings()
