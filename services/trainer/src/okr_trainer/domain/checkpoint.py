"""Checkpoints: a learned model as bytes, and back, only where every proof agrees.

A pickle can run code, so it is read through an exact list of names, after its sha256, the versions of the libraries
that wrote it and the feature contract have been compared. What does not agree is refused with its reason; the model is
then made anew by a replay.
"""

import hashlib
import io
import pickle
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from okr_common.errors import PermanentError
from okr_trainer.domain.calibration import BetaMap
from okr_trainer.domain.drift import Drift
from okr_trainer.domain.features import contract_hash
from okr_trainer.domain.forest import Forest
from okr_trainer.domain.mean import MeanOf
from okr_trainer.domain.newton import NewtonLogistic
from okr_trainer.domain.paced import PacedNewton
from okr_trainer.domain.pipeline import Pipeline
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.risk import CutPoints

ALLOWED = frozenset(
    {
        ("builtins", "float"),
        ("builtins", "set"),
        ("builtins", "str"),
        ("collections", "Counter"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("river._river_rust.vectordict", "VectorDict"),
        ("river.compose.pipeline", "Pipeline"),
        ("river.compose.select", "Discard"),
        ("river.compose.select", "SelectType"),
        ("river.compose.union", "TransformerUnion"),
        ("river.linear_model.log_reg", "LogisticRegression"),
        ("river.optim.ftrl", "FTRLProximal"),
        ("river.optim.initializers", "Zeros"),
        ("river.optim.losses", "Log"),
        ("river.optim.schedulers", "Constant"),
        ("river.optim.sgd", "SGD"),
        ("river.preprocessing.one_hot", "OneHotEncoder"),
        ("river.preprocessing.scale", "StandardScaler"),
    }
)
"""Every (module, name) that the pipelines' pickles hold; nothing else is imported."""

OWN: dict[str, type[NewtonLogistic | Forest | PacedNewton]] = {
    "newton": NewtonLogistic,
    "forest": Forest,
    "paced": PacedNewton,
}
"""Models of our own, which a checkpoint holds as plain values."""


def libraries() -> dict[str, str]:
    """The versions that must agree: River's pickles do not load across its releases."""
    return {"python": ".".join(platform.python_version_tuple()[:2]), "river": version("river")}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A learned model at one moment, with what proves it."""

    content: bytes
    sha256: str
    contract: str
    libraries: dict[str, str]
    digest: str


def save(model: LearnedModel) -> Checkpoint:
    """The model as a checkpoint."""
    parts = {
        "version": model.version,
        "training": model.training,
        "builder": model.builder,
        "pipeline": _packed(model.pipeline),
        "calibration": model.calibration.to_list(),
        "learned": model.learned,
        "words": model.words,
        "drift": model.drift.to_dict(),
        "cut_points": None if model.cut_points is None else [model.cut_points.high, model.cut_points.medium],
    }
    content = pickle.dumps(parts, protocol=5)
    return Checkpoint(content, hashlib.sha256(content).hexdigest(), contract_hash(), libraries(), model.digest)


def load(checkpoint: Checkpoint) -> LearnedModel:
    """The model. Raises PermanentError("checkpoint_refused") that says which proof failed."""
    _prove("sha256", hashlib.sha256(checkpoint.content).hexdigest(), checkpoint.sha256)
    _prove("feature contract", contract_hash(), checkpoint.contract)
    _prove("library versions", libraries(), checkpoint.libraries)
    model = _model(_unpickle(checkpoint.content))
    _prove("state digest", model.digest, checkpoint.digest)
    return model


def _prove(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise PermanentError(
            "checkpoint_refused", f"its {what} is {found}, not {wanted}; make the model anew by a replay"
        )


def _unpickle(content: bytes) -> dict[str, Any]:
    try:
        parts = _Unpickler(io.BytesIO(content)).load()
    except PermanentError:
        raise
    except Exception as error:
        raise PermanentError("checkpoint_refused", f"it cannot be read: {error!r}") from error
    if not isinstance(parts, dict):
        raise PermanentError("checkpoint_refused", f"it holds a {type(parts).__name__}, not a model's parts")
    return parts


def _model(parts: dict[str, Any]) -> LearnedModel:
    try:
        return LearnedModel(
            version=parts["version"],
            training=parts["training"],
            builder=parts["builder"],
            pipeline=_unpacked(parts["pipeline"]),
            calibration=BetaMap.from_list(parts["calibration"]),
            learned=parts["learned"],
            words=parts["words"],
            drift=Drift.from_dict(parts["drift"]),
            cut_points=None if parts.get("cut_points") is None else CutPoints(*parts["cut_points"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError("checkpoint_refused", f"it lacks a part of a model: {error!r}") from error


def _packed(pipeline: Pipeline) -> Any:  # noqa: ANN401 - our own parts as plain values, River's as they are
    if isinstance(pipeline, MeanOf):
        return {"mean": [_packed(one) for one in pipeline.models], "parts": list(pipeline.parts)}
    name = next((name for name, kind in OWN.items() if isinstance(pipeline, kind)), None)
    return {name: pipeline.to_dict()} if name else pipeline


def _unpacked(said: Any) -> Pipeline:  # noqa: ANN401
    if not isinstance(said, dict):
        return said
    if "mean" in said:
        return MeanOf([_unpacked(one) for one in said["mean"]], said["parts"])
    ((name, state),) = said.items()
    return OWN[name].from_dict(state)


class _Unpickler(pickle.Unpickler):
    """Imports what is allowed, by exact name, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) not in ALLOWED:
            raise PermanentError("checkpoint_refused", f"it asks for {module}.{name}, which no model here is made of")
        return super().find_class(module, name)
