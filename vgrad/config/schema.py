"""What a user may ask for: the keys of an experiment with their defaults, bounds and meaning.

A key's description is shown by editors (through the JSON Schema) and by `vgrad init`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vgrad.config.document import Document, KeyPath
from vgrad.config.messages import problems_of
from vgrad.config.overrides import Overrides, overridden
from vgrad.config.parts import STRICT, Part, PartOf, fail
from vgrad.config.paths import absolute_paths
from vgrad.config.plain import INTEGER_LIMIT, show
from vgrad.config.shorthand import written_out
from vgrad.data import datasets
from vgrad.errors import Problem, RequestError
from vgrad.nn.activations import activations
from vgrad.nn.clipping import clips
from vgrad.nn.initializers import initializers
from vgrad.nn.losses import losses
from vgrad.nn.norms import norms
from vgrad.nn.optimizers import optimizers
from vgrad.nn.schedules import schedules
from vgrad.nn.wiring import connectivities

MAX_DEPTH = 100_000
MAX_WIDTH = 65_536
MAX_COUNT = 1_000_000_000  # steps, epochs, examples: beyond any patience, within any integer
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"  # it becomes part of a folder's name
MAX_SHOWN = 100  # problems in one message

Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]


def _part(default: object, description: str) -> Any:
    """A field whose default is written as in a file, and validated as if it stood there."""
    return Field(default=default, description=description)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class ModelConfig(BaseModel):
    """The network."""

    model_config = STRICT

    depth: int = Field(default=10, ge=0, le=MAX_DEPTH, description="number of hidden layers")
    width: Width | Annotated[tuple[Width, ...], BeforeValidator(_tuple)] = Field(
        default=64,
        description="units per hidden layer: one number, or a list with one for each layer",
    )
    activation: Annotated[Part, PartOf(activations)] = _part(
        "tanh", "what each hidden layer does to its pre-activation"
    )
    init: Annotated[Part, PartOf(initializers)] = _part("xavier_normal", "how the weights begin")
    bias_init: Annotated[float | Part, PartOf(initializers, or_number=True)] = Field(
        default=0.0, description="how the biases begin: a number for all, or an initializer"
    )
    connectivity: Annotated[Part, PartOf(connectivities)] = _part(
        "plain", "how the layers are wired"
    )
    norm: Annotated[Part, PartOf(norms)] = _part("none", "normalization in each layer")
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of each hidden layer's units left out in training (of SELU: alpha)",
    )

    @model_validator(mode="before")
    @classmethod
    def _depth_of_a_list(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "depth" not in data:
            width = data.get("width")
            if isinstance(width, list | tuple):
                return {**data, "depth": len(width)}
        return data

    @field_validator("width")
    @classmethod
    def _one_width_per_layer(cls, width: Any, info: ValidationInfo) -> Any:
        depth = info.data.get("depth")  # missing where it is wrong itself
        if isinstance(width, tuple) and depth is not None and len(width) != depth:
            fail(
                Problem(
                    f"lists {len(width)} widths for a depth of {depth}",
                    allowed="one number, or one for each hidden layer",
                )
            )
        return width


class Regularization(BaseModel):
    """Penalties on the weights, part of the loss."""

    model_config = STRICT

    l1: float = Field(default=0.0, ge=0, description="λ of the penalty λ·‖W‖₁")
    l2: float = Field(
        default=0.0,
        ge=0,
        description="λ of the penalty λ/2·‖W‖₂²",
    )


class NoiseConfig(BaseModel):
    """Noise on the gradient, after clipping (Neelakantan et al. 2015, equation 1)."""

    model_config = STRICT

    eta: float = Field(default=0.0, ge=0, description="η of the variance η/(1 + step)^γ; 0: none")
    gamma: float = Field(default=0.55, ge=0, description="γ, how fast it fades")


class TrainConfig(BaseModel):
    """How long, and in what portions."""

    model_config = STRICT

    steps: int | None = Field(default=500, ge=0, le=MAX_COUNT, description="updates to make …")
    epochs: int | None = Field(
        default=None, ge=0, le=MAX_COUNT, description="… or passes over the training data instead"
    )
    batch_size: Count | Literal["full"] = Field(
        default=64, description="examples per step; full is gradient descent proper"
    )
    recompute: bool = Field(
        default=False,
        description="compute activations twice instead of keeping them: memory by the root of "
        "depth, for a third more time",
    )

    @model_validator(mode="before")
    @classmethod
    def _epochs_replace_default_steps(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("epochs") is not None and "steps" not in data:
            return {**data, "steps": None}
        return data

    @field_validator("epochs")
    @classmethod
    def _steps_or_epochs(cls, epochs: int | None, info: ValidationInfo) -> int | None:
        if "steps" in info.data and (info.data["steps"] is None) == (epochs is None):
            given = "neither is given" if epochs is None else "steps and epochs are both given"
            fail(Problem(given, allowed="give one of steps and epochs"))
        return epochs


class LogConfig(BaseModel):
    """What is recorded, and how often."""

    model_config = STRICT

    every: Count = Field(default=10, description="steps from one record to the next")
    histograms: bool = Field(
        default=False, description="record histograms of gradients and outputs as well"
    )


def usable_name(name: str) -> bool:
    """Whether `name` can name a run."""
    return re.fullmatch(NAME, name) is not None


def checked_name(name: object) -> object:
    """`name`, for the validator of a field that names runs; a text that cannot is a problem."""
    if isinstance(name, str) and not usable_name(name):
        fail(
            Problem(
                f"{show(name)} cannot name a run",
                allowed="up to 64 letters, digits, dots, dashes and underscores, "
                "beginning with a letter or digit",
            )
        )
    return name


class Config(BaseModel):
    """An experiment, whole and valid. Equal where all keys are, wherever they came from."""

    model_config = STRICT

    name: str | None = Field(default=None, pattern=NAME, description="names the run; optional")
    seed: int = Field(default=0, ge=0, lt=INTEGER_LIMIT, description="seed of all that is random")
    data: Annotated[Part, PartOf(datasets)] = _part("digits", "what is learnt")
    model: ModelConfig = Field(default_factory=ModelConfig, description="the network")
    loss: Annotated[Part | None, PartOf(losses, or_nothing=True)] = Field(
        default=None, description="what is minimized (by default what the data asks for)"
    )
    regularization: Regularization = Field(
        default_factory=Regularization, description="penalties, part of the loss"
    )
    optimizer: Annotated[Part, PartOf(optimizers)] = _part(
        {"name": "sgd", "lr": 0.1}, "how a gradient becomes an update"
    )
    schedule: Annotated[Part, PartOf(schedules)] = _part(
        "constant", "how the learning rate changes"
    )
    clip: Annotated[Part, PartOf(clips, by_key=True)] = _part(
        "none", "limits to the gradient, as in {norm: 1.0}"
    )
    noise: NoiseConfig = Field(
        default_factory=NoiseConfig, description="noise on the gradient, after clipping"
    )
    train: TrainConfig = Field(default_factory=TrainConfig, description="how long to train")
    log: LogConfig = Field(default_factory=LogConfig, description="what to record")
    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="precision: float32 or float64"
    )

    _document: Document | None = PrivateAttr(None)  # None: made in Python, not read

    @field_validator("name", mode="before")
    @classmethod
    def _usable_in_a_folder_name(cls, name: object) -> object:
        return checked_name(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.__dict__ == other.__dict__

    @classmethod
    def resolve(
        cls,
        document: Document,
        overrides: Overrides = (),
        faults: Mapping[KeyPath, Problem] | None = None,
    ) -> "Config":
        """The config that `document` states, with `overrides` over it and defaults below.

        `faults` are problems already found at single values of the document.

        Raises:
            RequestError: with every problem there is, located, in the order of the file.
        """
        faults = faults or {}
        document, problems = overridden(written_out(document, cls), overrides, cls)
        document = written_out(document, cls)
        document = absolute_paths(document, "", cls)
        try:
            config = cls.model_validate(document.data)
        except ValidationError as error:
            wrong = problems_of(error, cls, document)
            problems += [
                problem
                for path, problem in wrong.items()
                if not any(path[:end] in faults for end in range(len(path) + 1))
            ]
        problems = document.in_order([*faults.values(), *problems])
        if problems:
            more = len(problems) - MAX_SHOWN
            rest = [Problem(f"{more} more problems", file=document.file)] if more > 0 else []
            raise RequestError([*problems[:MAX_SHOWN], *rest])
        config._document = document
        return config

    def with_overrides(self, overrides: Overrides) -> "Config":
        """This config with some keys changed (`{"model.depth": 50}`), valid again.

        Raises:
            RequestError: the changed config is wrong.
        """
        return Config.resolve(self._document or Document(self.to_dict()), overrides)

    def locate(self, problem: Problem) -> Problem:
        """`problem` with the place of its key, or of the nearest parent that was written down.

        The place of a key from the command line is "command line", of a default just the file.
        """
        return self._document.locate(problem) if self._document else problem

    def to_dict(self) -> dict[str, object]:
        """The whole config in plain data, in the schema's order; what is not set is left out."""
        return _plain(self)


def _plain(section: BaseModel) -> dict[str, object]:
    plain: dict[str, object] = {}
    for key in type(section).model_fields:
        match getattr(section, key):
            case None:
                continue
            case BaseModel() as inner:
                plain[key] = _plain(inner)
            case Part() as part:
                plain[key] = part.to_plain()
            case tuple() as items:
                plain[key] = list(items)
            case scalar:
                plain[key] = scalar
    return plain
