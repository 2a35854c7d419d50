"""Curvature and gradient noise of a PyTorch network, layer by layer, computed with `trainable probe`.

    pip install torch safetensors
    cargo install --path .
    python examples/probe_pytorch/train.py

Trains a small MLP on a few tasks of random labels, saves it with a minibatch, and probes both. Then it computes the same
figures with autograd. The two must agree to 1%.
"""

import argparse
import json
import subprocess
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

INPUTS, HIDDEN, CLASSES = 64, 32, 10
IMAGES, BATCH, EPOCHS, TASKS = 512, 64, 40, 3


class Net(nn.Module):
    """MLP whose layers have the names of the file: fc1, fc2, and so on."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(INPUTS, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, HIDDEN)
        self.fc3 = nn.Linear(HIDDEN, CLASSES)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def train(net, x):
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    for task in range(1, TASKS + 1):
        y = torch.randint(CLASSES, (IMAGES,))
        for _ in range(EPOCHS):
            for batch in torch.randperm(IMAGES).split(BATCH):
                loss = cross_entropy(net(x[batch]), y[batch])
                adam.zero_grad()
                loss.backward()
                adam.step()
        print(f"task {task}: loss {loss.item():.3f}")


def probe(program, net, x, y, directory):
    files = directory / "net.safetensors", directory / "batch.safetensors"
    save_file(net.state_dict(), files[0])
    save_file({"x": x, "y": y}, files[1])
    options = ["--iterations", "1000", "--tolerance", "1e-3", "--format", "json"]
    command = [program, "probe", files[0], "--batch", files[1], *options]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def sharpness(net, layer, x, y, iterations=300):
    """The dominant eigenvalue of the layer's block of the Hessian, by power iteration."""
    parameters = list(layer.parameters())
    gradient = torch.autograd.grad(cross_entropy(net(x), y), parameters, create_graph=True)
    v = [torch.randn_like(p) for p in parameters]
    for _ in range(iterations):
        norm = sum(u.square().sum() for u in v).sqrt()
        v = [u / norm for u in v]
        product = torch.autograd.grad(gradient, parameters, v, retain_graph=True)
        eigenvalue = sum((u * w).sum() for u, w in zip(v, product)).item()
        v = product
    return eigenvalue


def gradient_variance(net, name, x, y):
    """The mean of |g_i - g|^2 over the samples' gradients g_i of one layer."""
    parameters = {key: p.detach() for key, p in net.named_parameters()}

    def loss(parameters, x, y):
        return cross_entropy(functional_call(net, parameters, (x[None],)), y[None])

    gradients = vmap(grad(loss), (None, 0, 0))(parameters, x, y)
    of_layer = [gradients[f"{name}.{kind}"] for kind in ("weight", "bias")]
    return sum((g - g.mean(0)).square().sum().item() for g in of_layer) / len(x)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", default="trainable", help="the program, if it is not on the path")
    options.add_argument("--out", type=Path, default=Path(), help="directory for the two files")
    options = options.parse_args()

    torch.manual_seed(1)
    net, x = Net(), torch.randn(IMAGES, INPUTS)
    train(net, x)
    # The first minibatch of the next task. Labels that the network has not seen are the hard case.
    x, y = x[:BATCH], torch.randint(CLASSES, (BATCH,))
    report = probe(options.program, net, x, y, options.out)

    print(f"\n{'':8} {'sharpness':>10} {'autograd':>10} {'grad variance':>14} {'autograd':>10}")
    net, x = net.double(), x.double()
    for row in report["layers"]:
        name = row["name"]
        found = row["sharpness"], row["grad_variance"]
        wanted = sharpness(net, getattr(net, name), x, y), gradient_variance(net, name, x, y)
        print(f"{name:8} {found[0]:10.4f} {wanted[0]:10.4f} {found[1]:14.4f} {wanted[1]:10.4f}")
        for ours, autograd in zip(found, wanted):
            assert abs(ours - autograd) <= 0.01 * abs(autograd), f"{name}: {ours} is not {autograd}"
    network = report["network"]
    print(f"{'network':8} {network['sharpness']:10.4f} {'':10} {network['grad_variance']:14.4f}")


if __name__ == "__main__":
    main()
