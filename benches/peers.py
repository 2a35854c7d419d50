"""A training step by JAX or PyTorch: peers.py jax|torch [--replicas R] [--steps N] [--precision highest|default].

The work of `trainable bench`: 784-256-256-10, ReLU, minibatches of 256, cross-entropy, Adam, f32. It runs on whatever device the
library takes first; PyTorch takes CUDA if it can. Products are in f32 with --precision highest; by default, JAX rounds their
factors to TF32 on some GPUs. Prints one line of JSON: the milliseconds of a step of all replicas, the median and the least of
five runs.
"""

import argparse
import json
import statistics
import time

WIDTHS, BATCH, BATCHES, RUNS = (784, 256, 256, 10), 256, 100, 5


def jax_steps(replicas, steps, precision):
    """jit, scan over minibatches, vmap over replicas."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", precision)
    key = jax.random.key(0)
    images = jax.random.normal(key, (BATCHES, BATCH, WIDTHS[0]))
    labels = jax.random.randint(key, (BATCHES, BATCH), 0, WIDTHS[-1])

    def initial(key):
        def layer(key, inputs, outputs):
            bound = (6 / inputs) ** 0.5
            return jax.random.uniform(key, (inputs, outputs), minval=-bound, maxval=bound), jnp.zeros(outputs)

        keys = jax.random.split(key, len(WIDTHS) - 1)
        parameters = [layer(k, i, o) for k, i, o in zip(keys, WIDTHS, WIDTHS[1:])]
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return parameters, zeros, zeros, 0.0

    def loss(parameters, x, y):
        *hidden, (weights, biases) = parameters
        for w, b in hidden:
            x = jax.nn.relu(x @ w + b)
        return -jnp.mean(jax.nn.log_softmax(x @ weights + biases)[jnp.arange(BATCH), y])

    def step(state, batch):
        parameters, m, v, t = state
        value, gradients = jax.value_and_grad(loss)(parameters, images[batch], labels[batch])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        scale = 1e-3 / (1 - 0.9**t)
        update = lambda p, m, v: p - scale * m / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return (jax.tree.map(update, parameters, m, v), m, v, t), value

    run = lambda state: jax.lax.scan(step, state, jnp.arange(steps) % BATCHES)
    state = jax.vmap(initial)(jax.random.split(key, replicas))
    run = jax.jit(jax.vmap(run))
    return f"jax {jax.__version__}, {jax.devices()[0].device_kind}, {precision} precision", lambda: jax.block_until_ready(run(state))


def torch_steps(replicas, steps, precision):
    """Eager, with fused Adam. PyTorch's default precision of products is the highest."""
    import torch

    torch.set_float32_matmul_precision("highest")
    assert replicas == 1, "PyTorch is timed with one replica"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
    torch.manual_seed(0)
    images = torch.randn(BATCHES, BATCH, WIDTHS[0], device=device)
    labels = torch.randint(0, WIDTHS[-1], (BATCHES, BATCH), device=device)
    layers = [layer for i, o in zip(WIDTHS, WIDTHS[1:]) for layer in (torch.nn.Linear(i, o), torch.nn.ReLU())]
    network = torch.nn.Sequential(*layers[:-1]).to(device)
    adam = torch.optim.Adam(network.parameters(), fused=True)

    def run():
        for step in range(steps):
            adam.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(images[step % BATCHES]), labels[step % BATCHES]).backward()
            adam.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return f"torch {torch.__version__}, {name}", run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=["jax", "torch"])
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--precision", choices=["highest", "default"], default="highest")
    options = parser.parse_args()
    try:
        steps = {"jax": jax_steps, "torch": torch_steps}[options.library]
        name, run = steps(options.replicas, options.steps, options.precision)
    except ImportError as error:
        parser.exit(1, f"not timed: {error}\n")
    run()
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - begin) / options.steps)
    row = {"median_ms": statistics.median(times), "least_ms": min(times)}
    print(json.dumps({"peer": name, "replicas": options.replicas, **{k: round(v, 4) for k, v in row.items()}}))


main()
