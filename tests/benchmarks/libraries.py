"""The same step in other libraries, as their own tutorials write it, with the norm of each weight's
gradient where they give it away. Each is imported when it is measured."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from tests.benchmarks.steps import CLASSES, FEATURES, RATES, Size

Work = Callable[[], object]


def torch_step(size: Size) -> Work:
    """PyTorch, eager."""
    return _torch_step(size, compiled=False)


def torch_compiled_step(size: Size) -> Work:
    """PyTorch with `torch.compile` of the network and its loss."""
    return _torch_step(size, compiled=True)


def _torch_step(size: Size, *, compiled: bool) -> Work:
    import torch
    from torch import nn

    torch.manual_seed(0)
    kind = {"tanh": nn.Tanh, "relu": nn.ReLU}[size.activation]
    widths = [FEATURES, *[size.width] * size.depth]
    blocks: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.orthogonal_(linear.weight)
        nn.init.zeros_(linear.bias)
        blocks += [linear, kind()]
    model = nn.Sequential(*blocks, nn.Linear(widths[-1], CLASSES))
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[size.optimizer]
    optimizer = make(model.parameters(), lr=RATES[size.optimizer])
    x, classes = (torch.from_numpy(array) for array in size.examples())
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]

    def loss(x: Any, classes: Any) -> Any:
        return nn.functional.cross_entropy(model(x), classes)

    torch.compiler.reset()  # else it gives up compiling after a few sizes
    value = torch.compile(loss) if compiled else loss

    def step() -> object:
        optimizer.zero_grad()
        value(x, classes).backward()
        norms = [weight.grad.norm() for weight in weights]
        optimizer.step()
        return norms

    return step


def jax_step(size: Size) -> Work:
    """JAX, the whole step under `jit`, with optax."""
    import jax
    import jax.numpy as jnp
    import optax

    widths = [FEATURES, *[size.width] * size.depth, CLASSES]
    keys = jax.random.split(jax.random.key(0), len(widths) - 1)
    orthogonal = jax.nn.initializers.orthogonal()
    params = [
        (orthogonal(key, (fan_in, fan_out)), jnp.zeros(fan_out))
        for key, (fan_in, fan_out) in zip(keys, pairwise(widths), strict=True)
    ]
    phi = {"tanh": jnp.tanh, "relu": jax.nn.relu}[size.activation]
    optimizer = {"sgd": optax.sgd, "adam": optax.adam}[size.optimizer](RATES[size.optimizer])
    x, classes = map(jnp.asarray, size.examples())

    def loss(params: Any, x: Any, classes: Any) -> Any:
        for weight, bias in params[:-1]:
            x = phi(x @ weight + bias)
        weight, bias = params[-1]
        logits = x @ weight + bias
        return optax.softmax_cross_entropy_with_integer_labels(logits, classes).mean()

    def update(params: Any, state: Any, x: Any, classes: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, x, classes)
        norms = [jnp.linalg.norm(weight) for weight, _ in grads]
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, value, norms

    compiled = jax.jit(update, donate_argnums=(0, 1))
    held = [params, optimizer.init(params)]

    def step() -> object:
        held[0], held[1], value, norms = compiled(*held, x, classes)
        value.block_until_ready()
        return norms

    return step


def sklearn_step(size: Size) -> Work:
    """scikit-learn's `MLPClassifier.partial_fit` of one batch; it gives no gradient away."""
    from sklearn.neural_network import MLPClassifier

    x, classes = size.examples()
    model = MLPClassifier(
        hidden_layer_sizes=(size.width,) * size.depth,
        activation=size.activation,
        solver=size.optimizer,
        alpha=0.0,
        batch_size=size.batch,
        learning_rate_init=RATES[size.optimizer],
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
    )
    model.partial_fit(x, classes, classes=np.arange(CLASSES))
    return lambda: model.partial_fit(x, classes)


def thinc_step(size: Size) -> Work:
    """thinc; it has no tanh, so that its hard tanh stands for it."""
    from thinc import api

    x, classes = size.examples()
    kind = {"tanh": api.HardTanh, "relu": api.Relu}[size.activation]
    hidden = [kind(nO=size.width) for _ in range(size.depth)]
    model = api.chain(*hidden, api.Softmax(nO=CLASSES)) if hidden else api.Softmax(nO=CLASSES)
    targets = np.eye(CLASSES, dtype=np.float32)[classes]
    model.initialize(X=x, Y=targets)
    make = {"sgd": api.SGD, "adam": api.Adam}[size.optimizer]
    optimizer = make(RATES[size.optimizer], L2=0.0, grad_clip=0.0)
    loss = api.CategoricalCrossentropy()
    nodes = [node for node in model.walk() if node.has_param("W")]

    def step() -> object:
        outputs, back = model.begin_update(x)
        back(loss.get_grad(outputs, targets))
        norms = [np.linalg.norm(node.get_grad("W")) for node in nodes]
        model.finish_update(optimizer)
        return norms

    return step


PEERS: dict[str, Callable[[Size], Work]] = {
    "torch": torch_step,
    "torch.compile": torch_compiled_step,
    "jax": jax_step,
    "scikit-learn": sklearn_step,
    "thinc": thinc_step,
}
