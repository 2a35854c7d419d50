"""Curvature along the latest update, u.Hu / u.u, in place of the dominant eigenvalue: in PyTorch, by itself.

    python3 along_update.py TRAIN_IMAGES > along_update.csv

TRAIN_IMAGES is MNIST's train-images-idx3-ubyte, unpacked. The L2 arm of the experiments beside this file (1,280 images, minibatches of
64, 4 tasks of 1,000 steps, 3 seeds; other random numbers than theirs) is trained with a constant step size, and with the published
controller (METHOD: profile `paper`, per layer) on either curvature. Every 40 steps both curvatures are measured on the current
minibatch: the eigenvalue by Lanczos' method to a residual of 1%, u.Hu by one Hessian-vector product a layer.
"""

import csv
import math
import statistics
import sys

import numpy as np
import torch

IMAGES, BATCH, EPOCHS, TASKS, INTERVAL, SEEDS = 1_280, 64, 50, 4, 40, [1, 2, 3]
STEPS = IMAGES // BATCH * EPOCHS
ETA, BETA1, BETA2, EPSILON, L2 = 1e-3, 0.9, 0.999, 1e-8, 1e-3
KAPPA, WINDOW, GATE, SAFETY, COOL, WARM, WARM_SHARE, WARM_MARGIN = 20, 30, 0.12, 0.8, 0.95, 1.005, 0.1, 0.3


def forward(parameters, x):
    """Logits."""
    inputs = []
    for i in range(0, len(parameters), 2):
        inputs.append(x)
        x = x @ parameters[i].T + parameters[i + 1]
        x = x.relu() if i + 2 < len(parameters) else x
    return x, inputs


def loss_of(parameters, x, y):
    return torch.nn.functional.cross_entropy(forward(parameters, x)[0], y)


def block_product(parameters, layer, x, y):
    """v -> Hv of a layer's diagonal block, weights and bias as one vector."""
    own = parameters[2 * layer : 2 * layer + 2]
    gradient = torch.autograd.grad(loss_of(parameters, x, y), own, create_graph=True)

    def product(v):
        weights = own[0].numel()
        parts = [v[:weights].view_as(own[0]), v[weights:]]
        products = torch.autograd.grad(gradient, own, parts, retain_graph=True)
        return torch.cat([part.flatten() for part in products])

    return product


def dominant(product, v, most=60, tolerance=0.01):
    """Lanczos' method with full orthogonalisation: the eigenvalue largest in size, and its vector."""
    basis, alphas, betas = [v / v.norm()], [], []
    while True:
        h = product(basis[-1])
        alphas.append(float(basis[-1] @ h))
        for q in basis:
            h = h - (q @ h) * q
        values, vectors = np.linalg.eigh(np.diag(alphas) + np.diag(betas, 1) + np.diag(betas, -1))
        best = int(np.abs(values).argmax())
        rest = float(h.norm())
        if rest * abs(vectors[-1, best]) <= tolerance * abs(values[best]) or len(alphas) == most:
            vector = sum(float(c) * q for c, q in zip(vectors[:, best], basis))
            return float(values[best]), vector
        betas.append(rest)
        basis.append(h / rest)


def noise(parameters, layer, x, y):
    """|g|^2 of the mean gradient and the variance over samples, from inputs and pre-activation gradients."""
    own = parameters[2 * layer : 2 * layer + 2]
    zero = torch.zeros(len(x), own[1].numel(), requires_grad=True)
    logits, inputs = x, []
    for i in range(0, len(parameters), 2):
        inputs.append(logits)
        logits = logits @ parameters[i].T + parameters[i + 1] + (zero if i == 2 * layer else 0)
        logits = logits.relu() if i + 2 < len(parameters) else logits
    total = torch.nn.functional.cross_entropy(logits, y, reduction="sum")
    (delta,) = torch.autograd.grad(total, [zero])
    each = (delta**2).sum(1) * ((inputs[layer] ** 2).sum(1) + 1)
    mean = [delta.T @ inputs[layer] / len(x), delta.mean(0)]
    raw = sum(float((g**2).sum()) for g in mean)
    objective = sum(float(((g + L2 * p) ** 2).sum()) for g, p in zip(mean, own))
    return objective, float(each.mean()) - raw


def run(images, seed, curvature):
    """Mean online accuracy, and [layer, eigenvalue, u.Hu] of every probe. `curvature`: None, 0 (eigenvalue) or 1 (u.Hu)."""
    generator = torch.Generator().manual_seed(seed)
    x_all = images[torch.randperm(len(images), generator=generator)[:IMAGES]]
    parameters = []
    for outputs, inputs in [(256, 784), (256, 256), (10, 256)]:
        bound = math.sqrt(6 / inputs)
        weights = (torch.rand(outputs, inputs, generator=generator) * 2 - 1) * bound
        parameters += [weights.requires_grad_(), torch.zeros(outputs, requires_grad=True)]
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    update = [torch.zeros_like(p) for p in parameters]
    starts = [torch.randn(p.numel() + q.numel(), generator=generator) for p, q in zip(parameters[::2], parameters[1::2])]
    etas, windows, probes, correct, t = [ETA] * 3, [[], [], []], [], 0.0, 0
    for task in range(TASKS):
        labels = torch.randint(0, 10, (IMAGES,), generator=generator)
        for step in range(STEPS):
            place = step % (IMAGES // BATCH)
            if place == 0:
                order = torch.randperm(IMAGES, generator=generator)
            chosen = order[place * BATCH : (place + 1) * BATCH]
            x, y = x_all[chosen], labels[chosen]
            if step % INTERVAL == 0 and t > 0:
                network = sum(float(v.sum()) for v in second) / sum(v.numel() for v in second)
                raw = etas[0] / (math.sqrt(network) + EPSILON)
                for layer in range(3):
                    product = block_product(parameters, layer, x, y)
                    eigenvalue, starts[layer] = dominant(product, starts[layer])
                    u = torch.cat([update[2 * layer].flatten(), update[2 * layer + 1]])
                    along = float(u @ product(u) / (u @ u))
                    probes.append((layer, eigenvalue, along))
                    if curvature is not None:
                        measured = [eigenvalue, along][curvature] * raw
                        window = windows[layer]
                        window.append(measured)
                        del window[:-WINDOW]
                        variance = (measured - statistics.mean(window)) ** 2
                        g2, s = noise(parameters, layer, x, y)
                        allowed = SAFETY * BATCH * g2 / (s + KAPPA * g2 * variance)
                        rms = math.sqrt(float(second[2 * layer].mean()) / (1 - BETA2**t)) + EPSILON
                        alpha = etas[layer] / ((1 - BETA1**t) * rms)
                        if alpha > allowed and alpha > GATE:
                            etas[layer] *= COOL
                        elif step < WARM_SHARE * STEPS and alpha < WARM_MARGIN * allowed:
                            etas[layer] *= WARM
            logits, _ = forward(parameters, x)
            correct += float((logits.argmax(1) == y).float().mean())
            gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, y), parameters)
            t += 1
            with torch.no_grad():
                for i, (p, g) in enumerate(zip(parameters, gradients)):
                    g = g + L2 * p
                    first[i].mul_(BETA1).add_(g, alpha=1 - BETA1)
                    second[i].mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
                    divisor = (second[i] / (1 - BETA2**t)).sqrt() + EPSILON
                    update[i] = etas[i // 2] / (1 - BETA1**t) * first[i] / divisor
                    p -= update[i]
    return correct / (TASKS * STEPS), probes


def ranks(values):
    return np.argsort(np.argsort(values))


def main():
    torch.set_num_threads(1)
    pixels = np.fromfile(sys.argv[1], np.uint8, offset=16).reshape(-1, 784)
    images = (torch.tensor(pixels.astype(np.float32) / 255) - 0.1306604) / 0.3081078
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["what", "layer_or_seed", "count", "median_ratio", "ninth_decile_ratio", "negative", "rank_correlation", "accuracy"])
    scores, probes = {}, []
    for curvature in [None, 0, 1]:
        for seed in SEEDS:
            scores[curvature, seed], found = run(images, seed, curvature)
            probes += found if curvature is None else []
            name = {None: "constant", 0: "paper on the eigenvalue", 1: "paper on u.Hu"}[curvature]
            table.writerow([name, seed, len(found), "", "", "", "", f"{scores[curvature, seed]:.4f}"])
            sys.stdout.flush()
    for layer in range(3):
        pairs = np.array([probe[1:] for probe in probes if probe[0] == layer])
        ratios = pairs[:, 1] / pairs[:, 0]
        correlation = np.corrcoef(ranks(pairs[:, 0]), ranks(pairs[:, 1]))[0, 1]
        row = [np.median(ratios), np.quantile(ratios, 0.9), np.mean(pairs[:, 1] < 0), correlation]
        table.writerow(["u.Hu / eigenvalue", layer + 1, len(pairs), *(f"{number:.3g}" for number in row), ""])


main()
