"""The remedies: what may be changed about a config that does not train.

A remedy is one function below: its docstring says what it does, its decorator how large a change
it is and where it comes from. It returns the keys that it changes, or None where it does not
apply. Whether it helps is not decided here: each is tried.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from vgrad.config import Config, Part
from vgrad.errors import RequestError
from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import critical

Change = Mapping[str, object]
"""Dotted key → value, as `Config.with_overrides` takes them."""
Target = Literal["init", "activation", "norm", "wiring", "optimizer", "limit", "undo", "depth"]

LIGHT: Mapping[str, float] = {
    "optimizer.lr": 1.0,
    "optimizer.weight_decay": 1.0,
    "model.init": 1.0,
    "model.bias_init": 0.5,
    "model.dropout": 1.0,
    "regularization": 1.0,
    "noise": 1.0,
    "schedule": 1.0,
    "clip": 1.0,
    "optimizer": 1.5,
    "model.norm": 2.0,
    "model.activation": 2.0,
    "model.connectivity": 3.0,
    "model.width": 4.0,
    "model.depth": 4.0,
}
"""How much of an experiment a key changes: the smallest change comes first."""

SHORTEST = 3  # layers: the first and a block of two
FEW_LAYERS = (10, 3)
SHALLOW = 2.0  # times as deep as what a net would be cut to, at least


@dataclass(frozen=True)
class Case:
    """What a remedy may look at."""

    config: Config

    @cached_property
    def activation(self) -> Activation:
        """The config's own."""
        part = self.config.model.activation
        return activations.build(part.name, part.options)

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return self.config.model.depth

    @property
    def unbiased(self) -> dict[str, object]:
        """What takes the biases back to 0, where they are not."""
        return {} if self.config.model.bias_init == 0.0 else {"model.bias_init": 0.0}

    def has(self, key: str, name: str) -> bool:
        """Whether the part at `model.key` has this name."""
        part = getattr(self.config.model, key)
        return isinstance(part, Part) and part.name == name


@dataclass(frozen=True)
class Remedy:
    """An entry: `propose` says what to change."""

    name: str
    summary: str
    target: Target
    source: str
    propose: Callable[[Case], Change | None]


REMEDIES: dict[str, Remedy] = {}
"""By name, in order of definition."""


def remedy(
    target: Target, *, source: str
) -> Callable[[Callable[[Case], Change | None]], Callable[[Case], Change | None]]:
    """Enter the function below under its own name."""

    def enter(propose: Callable[[Case], Change | None]) -> Callable[[Case], Change | None]:
        assert propose.__doc__, "a remedy says what it does"
        name, summary = propose.__name__, propose.__doc__.strip().splitlines()[0]
        REMEDIES[name] = Remedy(name, summary, target, source, propose)
        return propose

    return enter


@dataclass(frozen=True)
class Candidate:
    """A change to try, and the config that it makes."""

    remedies: tuple[str, ...]
    change: Change
    config: Config

    @property
    def size(self) -> float:
        """How much it changes."""
        return sum(weight(key) for key in self.change)

    def touches(self, section: str) -> bool:
        """Whether it changes this section, or a key in it."""
        return any(key.split(".")[0] == section for key in self.change)


def weight(key: str) -> float:
    """Of a dotted key, by the longest beginning of it that is known."""
    while key not in LIGHT:
        key = key.rpartition(".")[0]
    return LIGHT[key]


def candidate(config: Config, remedies: tuple[str, ...], change: Change) -> Candidate | None:
    """This change of a config; None where it changes nothing or makes no valid config."""
    change = _merged(change)
    try:
        changed = config.with_overrides(change)
    except RequestError:
        return None
    return None if changed == config else Candidate(remedies, change, changed)


def combined(change: Change, later: Change) -> Change:
    """Both, the later over the other; what it replaces as a whole takes its options with it."""
    kept = {
        key: value
        for key, value in change.items()
        if not any(key == other or key.startswith(f"{other}.") for other in later)
    }
    return {**kept, **later}


def _merged(change: Change) -> Change:
    """With the options of a part that is changed as a whole inside it."""
    merged = dict(change)
    for key, value in change.items():
        whole, _, option = key.rpartition(".")
        part = merged.get(whole)
        if isinstance(part, Mapping) and "name" in part:
            merged[whole] = {**part, option: value}
            del merged[key]
    return merged


def candidates(config: Config) -> Iterator[tuple[Remedy, Candidate]]:
    """What each remedy that applies would change."""
    case = Case(config)
    for entry in REMEDIES.values():
        change = entry.propose(case)
        found = candidate(config, (entry.name,), change) if change else None
        if found is not None:
            yield entry, found


@remedy("init", source="Schoenholz et al. 2017; Hayou et al. 2019")
def critical_init(case: Case) -> Change | None:
    """Weights at the edge of chaos of the activation."""
    if critical(case.activation, 0.0) is None:
        return None
    return {"model.init": "critical", **case.unbiased}


@remedy("init", source="He et al. 2015")
def he_init(case: Case) -> Change | None:
    """Weights of variance 2/fan_in, for units of which half are off."""
    return {"model.init": "he_normal", **case.unbiased}


@remedy("init", source="Glorot & Bengio 2010")
def xavier_init(case: Case) -> Change | None:
    """Weights of variance 2/(fan_in + fan_out)."""
    return {"model.init": "xavier_normal", **case.unbiased}


@remedy("init", source="Saxe et al. 2014")
def orthogonal_init(case: Case) -> Change | None:
    """Orthogonal weights at the edge of chaos, which keep every direction alike."""
    if critical(case.activation, 0.0) is None:
        return None
    init = {"name": "critical", "distribution": "orthogonal"}
    return {"model.init": init, **case.unbiased}


@remedy("init", source="Mishkin & Matas 2016")
def lsuv_init(case: Case) -> Change | None:
    """Weights scaled on the data until each layer's pre-activations have variance 1."""
    return {"model.init": "lsuv", **case.unbiased}


@remedy("init", source="Klambauer et al. 2017")
def lecun_init(case: Case) -> Change | None:
    """Weights of variance 1/fan_in, which SELU is made for."""
    if not case.has("activation", "selu"):
        return None
    return {"model.init": "lecun_normal", **case.unbiased}


@remedy("activation", source="Glorot & Bengio 2010")
def tanh(case: Case) -> Change | None:
    """Slope 1 at 0, and weights that keep it."""
    return {"model.activation": "tanh", "model.init": "xavier_normal", **case.unbiased}


@remedy("activation", source="He et al. 2015")
def relu(case: Case) -> Change | None:
    """Units that are on let everything through, and weights that make up for those that are off."""
    return {"model.activation": "relu", "model.init": "he_normal", **case.unbiased}


@remedy("activation", source="Klambauer et al. 2017")
def selu(case: Case) -> Change | None:
    """Mean 0 and variance 1 attract every layer."""
    return {"model.activation": "selu", "model.init": "lecun_normal", **case.unbiased}


@remedy("norm", source="Ba et al. 2016")
def layer_norm(case: Case) -> Change | None:
    """Each example to mean 0 and variance 1 in each layer."""
    return {"model.norm": "layer"} if case.has("norm", "none") else None


@remedy("norm", source="Ioffe & Szegedy 2015")
def batch_norm(case: Case) -> Change | None:
    """Each unit to mean 0 and variance 1 over the batch."""
    return {"model.norm": "batch"} if case.has("norm", "none") else None


@remedy("wiring", source="He et al. 2016; Yang & Schoenholz 2017")
def residual(case: Case) -> Change | None:
    """Skips past every two layers, with branches small enough for all of them."""
    wiring = {"order": "pre", "scale": "1/sqrt(blocks)"}
    return _with_skips(case, wiring, "he_normal")


@remedy("wiring", source="Bachlechner et al. 2020")
def rezero(case: Case) -> Change | None:
    """Skips past every two layers, and branches that begin shut."""
    return _with_skips(case, {"order": "inside", "gate": 0.0}, "rezero")


@remedy("wiring", source="Zhang et al. 2019")
def fixup(case: Case) -> Change | None:
    """Skips past every two layers, and branches that begin at 0, scaled for their number."""
    return _with_skips(case, {"order": "inside"}, "fixup")


def _with_skips(case: Case, options: Change, init: str) -> Change | None:
    if case.depth < SHORTEST:
        return None
    wiring = {"name": "residual", **options}
    return {"model.connectivity": wiring, "model.init": init, **case.unbiased}


@remedy("optimizer", source="Kingma & Ba 2015")
def adam(case: Case) -> Change | None:
    """A rate per weight, whatever the size of its gradient."""
    if case.config.optimizer.name == "adam":
        return {"optimizer.lr": 0.001}
    return {"optimizer": {"name": "adam", "lr": 0.001}}


@remedy("limit", source="Pascanu et al. 2013")
def clip_norm(case: Case) -> Change | None:
    """No step larger than a gradient of norm 1 makes."""
    return {"clip": {"norm": 1.0}} if case.config.clip.name == "none" else None


@remedy("undo", source="Pascanu et al. 2013")
def no_clip(case: Case) -> Change | None:
    """Gradients as they are."""
    return {"clip": "none"} if case.config.clip.name != "none" else None


@remedy("undo", source="Glorot & Bengio 2010")
def no_bias(case: Case) -> Change | None:
    """Biases that begin at 0."""
    return case.unbiased or None


@remedy("undo", source="Srivastava et al. 2014")
def no_dropout(case: Case) -> Change | None:
    """All units, always."""
    return {"model.dropout": 0.0} if case.config.model.dropout else None


@remedy("undo", source="Krogh & Hertz 1991")
def no_penalty(case: Case) -> Change | None:
    """Weights that nothing draws to 0."""
    penalties, decay = case.config.regularization, case.config.optimizer.options["weight_decay"]
    change: dict[str, object] = {}
    if penalties.l1:
        change["regularization.l1"] = 0.0
    if penalties.l2:
        change["regularization.l2"] = 0.0
    if decay:
        change["optimizer.weight_decay"] = 0.0
    return change or None


@remedy("undo", source="Neelakantan et al. 2015")
def no_noise(case: Case) -> Change | None:
    """Gradients without noise."""
    return {"noise.eta": 0.0} if case.config.noise.eta else None


@remedy("undo", source="Smith 2017")
def steady_rate(case: Case) -> Change | None:
    """The same rate throughout."""
    return {"schedule": "constant"} if case.config.schedule.name != "constant" else None


@remedy("depth", source="Schoenholz et al. 2017")
def ten_layers(case: Case) -> Change | None:
    """A net of ten layers."""
    return _shallower(case, FEW_LAYERS[0])


@remedy("depth", source="Schoenholz et al. 2017")
def three_layers(case: Case) -> Change | None:
    """A net of three layers."""
    return _shallower(case, FEW_LAYERS[1])


def _shallower(case: Case, depth: int) -> Change | None:
    if case.depth < SHALLOW * depth:
        return None
    width = case.config.model.width
    wider = {} if isinstance(width, int) else {"model.width": list(width[:depth])}
    return {"model.depth": depth, **wider}
