"""Curvature and gradient noise of a PyTorch LeNet and of a PyTorch transformer, computed with `trainable probe --network`.

    pip install torch safetensors
    cargo install --path .
    python examples/probe_pytorch/networks.py

Trains each network for a moment on random labels, saves it with a minibatch of images, and probes both. Then it computes the
same figures with autograd in float64, the sharpness of each layer by Lanczos' method. The two must agree to 1%.

The modules have the names of the program's blocks: conv1, position1, norm1, fc1 and so on, each kind counted by itself in the
order in which the modules run.
"""

import argparse
import json
import subprocess
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy, gelu, max_pool2d

BATCH, SIDE, CLASSES = 32, 28, 10
STEPS = 30


class LeNet(nn.Module):
    NETWORK = "{ lenet = { channels = [4, 6], hidden = [20, 16] } }"

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5, padding=2)
        self.conv2 = nn.Conv2d(4, 6, 5)
        self.fc1 = nn.Linear(6 * 5 * 5, 20)
        self.fc2 = nn.Linear(20, 16)
        self.fc3 = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = max_pool2d(torch.relu(self.conv1(x)), 2)
        x = max_pool2d(torch.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Positions(nn.Module):
    """A row for each token, added to it."""

    def __init__(self, tokens, width):
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(tokens, width))

    def forward(self, x):
        return x + self.weight


class Transformer(nn.Module):
    """One pre-norm block on patches of 7 x 7."""

    WIDTH, HEADS = 16, 2
    NETWORK = "{ vit-small = { width = 16, blocks = 1, heads = 2 } }"

    def __init__(self):
        super().__init__()
        width = self.WIDTH
        self.conv1 = nn.Conv2d(1, width, 7, stride=7)
        self.position1 = Positions((SIDE // 7) ** 2, width)
        self.norm1, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm2, self.fc3, self.fc4 = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm3, self.fc5 = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def attention(self, x):
        """Self-attention, as in nn.MultiheadAttention; written out, because fused kernels have no second derivatives."""
        samples, tokens, _ = x.shape
        q, k, v = (part.view(samples, tokens, self.HEADS, -1).transpose(1, 2) for part in self.fc1(x).chunk(3, -1))
        weights = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(-1)
        return self.fc2((weights @ v).transpose(1, 2).flatten(2))

    def forward(self, x):
        x = self.position1(self.conv1(x).flatten(2).transpose(1, 2))
        x = x + self.attention(self.norm1(x))
        x = x + self.fc4(gelu(self.fc3(self.norm2(x))))
        return self.fc5(self.norm3(x).mean(1))


def train(net, x, y):
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(STEPS):
        loss = cross_entropy(net(x), y)
        adam.zero_grad()
        loss.backward()
        adam.step()


def probe(program, net, x, y, directory):
    files = directory / "net.safetensors", directory / "batch.safetensors"
    save_file(net.state_dict(), files[0])
    save_file({"x": x, "y": y}, files[1])
    options = ["--network", net.NETWORK, "--iterations", "1000", "--tolerance", "1e-3", "--format", "json"]
    command = [program, "probe", files[0], "--batch", files[1], *options]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def sharpness(net, parameters, x, y, iterations=60):
    """The dominant eigenvalue of a block of the Hessian, by Lanczos' method with full orthogonalisation."""
    gradient = torch.autograd.grad(cross_entropy(net(x), y), parameters, create_graph=True)
    sizes = [p.numel() for p in parameters]

    def product(v):
        parts = [part.view_as(p) for part, p in zip(v.split(sizes), parameters)]
        product = torch.autograd.grad(gradient, parameters, parts, retain_graph=True)
        return torch.cat([part.flatten() for part in product])

    start = torch.randn(sum(sizes), dtype=x.dtype)
    basis, products = [start / start.norm()], []
    while True:
        products.append(product(basis[-1]))
        rest = products[-1]
        for _ in range(2):
            rest = rest - sum((v @ rest) * v for v in basis)
        if len(products) == min(iterations, sum(sizes)) or rest.norm() < 1e-10:
            break
        basis.append(rest / rest.norm())
    small = torch.stack(basis) @ torch.stack(products).T
    eigenvalues = torch.linalg.eigvalsh((small + small.T) / 2)
    return max(eigenvalues.tolist(), key=abs)


def gradient_variance(net, names, x, y):
    """The mean of |g_i - g|^2 over the samples' gradients g_i of some parameters."""
    parameters = {key: p.detach() for key, p in net.named_parameters()}

    def loss(parameters, x, y):
        return cross_entropy(functional_call(net, parameters, (x[None],)), y[None])

    gradients = vmap(grad(loss), (None, 0, 0))(parameters, x, y)
    return sum((gradients[name] - gradients[name].mean(0)).square().sum().item() for name in names) / len(x)


def compare(net, report, x, y):
    print(f"\n{type(net).__name__:12} {'sharpness':>10} {'autograd':>10} {'grad variance':>14} {'autograd':>10}")
    net, x = net.double(), x.double()
    everything = dict(net.named_parameters())
    for row in [*report["layers"], report["network"]]:
        layer = row["name"]
        names = [name for name in everything if layer in ("network", name.rsplit(".", 1)[0])]
        found = row["sharpness"], row["grad_variance"]
        parameters = [everything[name] for name in names]
        wanted = sharpness(net, parameters, x, y), gradient_variance(net, names, x, y)
        print(f"{layer:12} {found[0]:10.4f} {wanted[0]:10.4f} {found[1]:14.4f} {wanted[1]:10.4f}")
        for ours, autograd in zip(found, wanted):
            assert abs(ours - autograd) <= 0.01 * abs(autograd), f"{layer}: {ours} is not {autograd}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", default="trainable", help="the program, if it is not on the path")
    options.add_argument("--out", type=Path, default=Path(), help="directory for the two files")
    options = options.parse_args()

    for kind in (LeNet, Transformer):
        torch.manual_seed(1)
        net, x, y = kind(), torch.randn(BATCH, 1, SIDE, SIDE), torch.randint(CLASSES, (BATCH,))
        train(net, x, y)
        # New labels, which the network has not seen, are the hard case.
        y = torch.randint(CLASSES, (BATCH,))
        compare(net, probe(options.program, net, x, y, options.out), x, y)


if __name__ == "__main__":
    main()
