"""A training step by JAX or PyTorch: peers.py jax|torch [--network mlp|lenet|vit-small] [--batch B] [--replicas R] [--steps N]
[--precision highest|default].

By default, the work of `trainable bench`: 784-256-256-10, ReLU, minibatches of 256, cross-entropy, Adam, f32. It runs on whatever device the
library takes first; PyTorch takes CUDA if it can. Products are in f32 with --precision highest; by default, JAX rounds their
factors to TF32 on some GPUs. Prints one line of JSON: the milliseconds of a step of all replicas, the median and the least of
five runs.
"""

import argparse
import json
import statistics
import time

from peer_networks import CLASSES, NETWORKS, JaxOps, TorchOps

IMAGES, PIXELS, RUNS = 25_600, 784, 5


def jax_steps(options):
    """jit, scan over minibatches, vmap over replicas."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", options.precision)
    key, batches, ops = jax.random.key(0), IMAGES // options.batch, JaxOps()
    shapes, network = NETWORKS[options.network]
    images = jax.random.normal(key, (batches, options.batch, PIXELS))
    labels = jax.random.randint(key, (batches, options.batch), 0, CLASSES)

    def initial(key):
        def tensor(key, inputs, shape):
            if inputs is None:
                return jnp.ones(shape)
            bound = (6 / inputs) ** 0.5 if inputs else 0.0
            return jax.random.uniform(key, shape, minval=-bound, maxval=bound)

        keys = jax.random.split(key, len(shapes))
        parameters = [tensor(k, *inputs_and_shape) for k, inputs_and_shape in zip(keys, shapes)]
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return parameters, zeros, zeros, 0.0

    def loss(parameters, x, y):
        logits = network(ops, parameters, x)
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(options.batch), y])

    def step(state, batch):
        parameters, m, v, t = state
        value, gradients = jax.value_and_grad(loss)(parameters, images[batch], labels[batch])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        scale = 1e-3 / (1 - 0.9**t)
        update = lambda p, m, v: p - scale * m / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return (jax.tree.map(update, parameters, m, v), m, v, t), value

    run = lambda state: jax.lax.scan(step, state, jnp.arange(options.steps) % batches)
    state = jax.vmap(initial)(jax.random.split(key, options.replicas))
    run = jax.jit(jax.vmap(run))
    return f"jax {jax.__version__}, {jax.devices()[0].device_kind}, {options.precision} precision", lambda: jax.block_until_ready(run(state))


def torch_steps(options):
    """Eager, with fused Adam. PyTorch's default precision of products is the highest."""
    import torch

    torch.set_float32_matmul_precision("highest")
    assert options.replicas == 1, "PyTorch is timed with one replica"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
    torch.manual_seed(0)
    batches, ops = IMAGES // options.batch, TorchOps()
    shapes, network = NETWORKS[options.network]
    images = torch.randn(batches, options.batch, PIXELS, device=device)
    labels = torch.randint(0, CLASSES, (batches, options.batch), device=device)

    def tensor(inputs, shape):
        bound = (6 / inputs) ** 0.5 if inputs else 0.0
        start = torch.ones(shape) if inputs is None else (2 * torch.rand(shape) - 1) * bound
        return start.to(device).requires_grad_()

    parameters = [tensor(*inputs_and_shape) for inputs_and_shape in shapes]
    adam = torch.optim.Adam(parameters, fused=True)

    def run():
        for step in range(options.steps):
            adam.zero_grad(set_to_none=True)
            logits = network(ops, parameters, images[step % batches])
            torch.nn.functional.cross_entropy(logits, labels[step % batches]).backward()
            adam.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return f"torch {torch.__version__}, {name}", run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=["jax", "torch"])
    parser.add_argument("--network", choices=NETWORKS, default="mlp")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--precision", choices=["highest", "default"], default="highest")
    options = parser.parse_args()
    try:
        steps = {"jax": jax_steps, "torch": torch_steps}[options.library]
        name, run = steps(options)
    except ImportError as error:
        parser.exit(1, f"not timed: {error}\n")
    run()
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - begin) / options.steps)
    row = {"median_ms": statistics.median(times), "least_ms": min(times)}
    print(json.dumps({"peer": name, "network": options.network, "batch": options.batch, "replicas": options.replicas, **{k: round(v, 4) for k, v in row.items()}}))


main()
