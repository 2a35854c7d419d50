"""Makes the reference numbers (step_, curvature_, sgd_, adamw_, clip_, amsgrad_, graph_ and penalty_<case>.json) in this folder.

Run:  python make_reference.py            (any working directory; a few seconds on one CPU core)
      python make_reference.py lenet ...  (only the graphs with these names)
Made with Python 3.11.7, torch 2.15.0+cu132 (on the CPU), numpy 2.4.6.

Deterministic, float64 throughout, one thread. Inputs, initial parameters and the vector v are rounded to
values that float32 holds exactly, so a float32 engine starts at the very same point. For each case the first
seed is taken whose run keeps clear of what float32 could tip over (see `acceptable`); everything else is asserted.
README.md describes the keys.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
ETA, BETA1, BETA2, EPS, STEPS = 1e-2, 0.9, 0.999, 1e-8, 5
SLOPE = 0.01  # leaky_relu
KINKED = ("relu", "crelu", "leaky_relu")
DOUBLED = ("crelu", "fourier")  # two copies of every unit

CASES = [
    # name, activation, widths [in, hidden..., classes], batch, l2, first seed to try
    ("relu", "relu", [7, 9, 6, 5], 11, 0.0, 1000),
    ("relu_l2", "relu", [7, 9, 6, 5], 11, 1e-3, 1000),  # the same network and batch as relu
    ("crelu_l2", "crelu", [6, 5, 7, 4], 8, 1e-3, 3000),
    ("tanh", "tanh", [5, 8, 3], 6, 0.0, 4000),
    ("leaky_relu", "leaky_relu", [6, 7, 4], 5, 0.0, 5000),
    ("identity", "identity", [4, 6, 3], 7, 0.0, 6000),
    ("deep_relu", "relu", [8, 7, 6, 5, 4], 9, 1e-2, 7000),
    ("linear", "identity", [5, 3], 4, 0.0, 8000),
    ("gelu_l2", "gelu", [6, 7, 5, 4], 7, 1e-3, 9000),
    ("silu", "silu", [5, 9, 6, 3], 9, 0.0, 9100),
    ("fourier", "fourier", [6, 5, 7, 4], 8, 0.0, 9200),
]

# Networks that are no perceptrons: a list of items, as `network::Item` has them. "add k" adds the value after k items.
GRAPHS = [
    # name, inputs (a width, or channels, height and width), items, batch, l2, first seed to try
    ("residual", 5, ["linear 6", "gelu", "linear 6", "add 2", "tanh", "linear 6", "add 5", "linear 4"], 7, 1e-3, 20000),
    ("skip_crelu", 4, ["linear 4", "add 0", "crelu", "linear 5", "silu", "linear 5", "add 5", "relu", "linear 3"], 9, 0.0, 20100),
    ("skip_far", 6, ["linear 5", "relu", "linear 4", "tanh", "linear 5", "fourier", "linear 5", "add 2", "linear 3"], 8, 0.0, 20200),
    ("conv", [2, 5, 6], ["conv 3 kernel 3 stride 2 padding 1", "tanh", "conv 4 kernel 2 padding 1", "gelu", "conv 2 kernel 1", "flatten", "linear 3"], 5, 1e-3, 30000),
    ("conv_crelu", [1, 5, 4], ["conv 3 kernel 2", "crelu", "conv 3 kernel 3 padding 1", "fourier", "conv 2 kernel 1", "crelu", "flatten", "linear 3"], 6, 0.0, 30100),
    ("max_pool", [1, 6, 7], ["conv 3 kernel 2 padding 1", "max-pool 3 stride 2 padding 1", "silu", "conv 3 kernel 2", "crelu", "max-pool 2 stride 1", "flatten", "linear 3"], 6, 0.0, 30200),
    ("average_pool", [2, 4, 5], ["conv 3 kernel 3 padding 1", "gelu", "conv 3 kernel 3 padding 1", "add 2", "tanh", "average-pool 3 stride 2 padding 1", "fourier", "conv 3 kernel 2", "relu", "global-average-pool", "linear 3"], 5, 1e-3, 30300),
    ("lenet", [1, 10, 10], ["conv 2 kernel 3 padding 1", "relu", "max-pool 2", "conv 3 kernel 3", "relu", "max-pool 2", "flatten", "linear 5", "relu", "linear 4", "relu", "linear 3"], 7, 0.0, 30400),
    ("norm", 5, ["layer-norm", "linear 7", "layer-norm", "gelu", "linear 6", "layer-norm", "crelu", "linear 5", "tanh", "layer-norm", "linear 3"], 7, 1e-3, 20300),
    ("norm_residual", 6, ["linear 5", "position-embedding", "layer-norm", "linear 7", "silu", "linear 5", "add 2", "layer-norm", "relu", "linear 4"], 9, 0.0, 20400),
    ("attention", [1, 4, 6], ["conv 4 kernel 2 stride 2", "linear 12", "attention 2", "linear 4", "add 1", "flatten", "linear 3"], 7, 1e-2, 40000),
    ("attention_curved", [2, 2, 6], ["conv 9 kernel 2 stride 2", "tanh", "attention 3", "gelu", "linear 9", "add 2", "silu", "attention 1", "crelu", "flatten", "linear 3"], 6, 1e-3, 40100),
    ("copies", 5, ["linear 6", "crelu", "layer-norm", "tanh", "linear 6", "fourier", "add 2", "position-embedding", "relu", "linear 3"], 8, 1e-3, 20500),
    ("attention_copies", [1, 4, 6], ["conv 6 kernel 2 stride 2", "fourier", "attention 2", "gelu", "linear 3", "crelu", "layer-norm", "flatten", "linear 3"], 7, 0.0, 40200),
]

PENALTIES = [
    # name, activation, widths, batch, l2, l2_init, wasserstein, first seed to try
    ("relu", "relu", [7, 9, 6, 5], 11, 0.0, 0.3, 0.2, 11000),
    ("crelu", "crelu", [6, 5, 7, 4], 8, 1e-2, 0.1, 0.4, 12000),
    ("linear", "identity", [5, 3], 4, 0.0, 0.2, 0.3, 13000),
]
# Which cases are also trained by SGD: their momentum and step size.
SGD = {"relu_l2": (0.9, 0.06), "crelu_l2": (0.5, 0.1), "tanh": (0.9, 0.1), "linear": (0.0, 0.5)}
# Which cases are also trained by AdamW: their decoupled weight decay.
ADAMW = {"relu": 0.5, "crelu_l2": 1.0, "tanh": 0.01, "linear": 2.0}

# Which cases are also trained with clipped gradients: the largest norm, which some of the five gradients reach.
CLIP = {"relu_l2": 1.2, "crelu_l2": 2.5, "tanh": 1.5}
# Which cases are also trained by AMSGrad: its betas and step size, with which the largest second moment is not the latest.
AMSGRAD = {"relu_l2": (0.5, 0.6, 0.1), "crelu_l2": (0.5, 0.6, 0.1), "tanh": (0.5, 0.6, 0.1), "linear": (0.5, 0.6, 0.2)}

ACTIVATIONS = {
    "relu": torch.relu,
    "crelu": lambda z: torch.cat([torch.relu(z), torch.relu(-z)], dim=1),
    "tanh": torch.tanh,
    "leaky_relu": lambda z: F.leaky_relu(z, SLOPE),
    "identity": lambda z: z,
    "gelu": F.gelu,
    "silu": F.silu,
    "fourier": lambda z: torch.cat([torch.sin(z), torch.cos(z)], dim=1),
}


def f32(a):
    """float64 tensor of the nearest float32 values."""
    return torch.from_numpy(np.asarray(a, dtype=np.float32).astype(np.float64))


class Case:
    """One network, batch and starting point. theta = [weight.flatten() (out, in), bias] layer by layer."""

    def __init__(self, name, activation, widths, batch, l2, seed):
        self.name, self.activation, self.widths, self.batch, self.l2, self.seed = name, activation, widths, batch, l2, seed
        self.act = ACTIVATIONS[activation]
        rng = np.random.Generator(np.random.PCG64(seed))
        self.shapes, parts = [], []
        for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
            fan_in = n_in * (2 if activation in DOUBLED and k > 0 else 1)
            bound = math.sqrt(6 / fan_in)
            self.shapes.append((n_out, fan_in))
            parts += [rng.uniform(-bound, bound, n_out * fan_in), rng.uniform(-0.1, 0.1, n_out)]
        self.theta0 = f32(np.concatenate(parts))
        self.x = f32(rng.standard_normal((batch, widths[0])))
        self.y = torch.from_numpy(rng.integers(0, widths[-1], batch))
        self.v = f32(rng.standard_normal(self.theta0.numel()))
        ends = np.cumsum([o * i + o for o, i in self.shapes])
        self.blocks = [slice(int(e - (o * i + o)), int(e)) for e, (o, i) in zip(ends, self.shapes)]

    def split(self, theta):
        """[(weight [out, in], bias [out])] of a flat vector."""
        return [(theta[b][: o * i].reshape(o, i), theta[b][o * i :]) for b, (o, i) in zip(self.blocks, self.shapes)]

    def forward(self, theta, x):
        """Every layer's input and pre-activation; the last pre-activation is the logits."""
        inputs, zs, a = [], [], x
        for k, (w, b) in enumerate(self.split(theta)):
            a = a if k == 0 else self.act(zs[-1])
            inputs.append(a)
            zs.append(F.linear(a, w, b))
        return inputs, zs

    def loss(self, theta, x=None, y=None):
        x, y = (self.x, self.y) if x is None else (x, y)
        return F.cross_entropy(self.forward(theta, x)[1][-1], y)

    def gradient(self, theta, x=None, y=None):
        t = theta.detach().clone().requires_grad_(True)
        return torch.autograd.grad(self.loss(t, x, y), t)[0]

    def layers(self, theta):
        """The JSON structure of a flat vector."""
        return [{"weight": w.flatten().tolist(), "bias": b.tolist()} for w, b in self.split(theta)]

    def train(self):
        """STEPS Adam updates by torch.optim.Adam. Returns the thetas visited, losses, exp_avg_sq (flat)."""
        tensors = [t.detach().clone().requires_grad_(True) for pair in self.split(self.theta0) for t in pair]
        flat = lambda ts: torch.cat([t.detach().flatten() for t in ts])
        optimiser = torch.optim.Adam(tensors, lr=ETA, betas=(BETA1, BETA2), eps=EPS, weight_decay=self.l2)
        thetas, losses = [flat(tensors)], []
        for _ in range(STEPS):
            optimiser.zero_grad()
            value = self.loss(torch.cat([t.flatten() for t in tensors]))
            value.backward()
            optimiser.step()
            losses.append(value.item())
            thetas.append(flat(tensors))
        return thetas, losses, flat([optimiser.state[t]["exp_avg_sq"] for t in tensors])

    def train_sgd(self, momentum, step_size):
        """STEPS updates by torch.optim.SGD. Returns the thetas visited and the losses."""
        theta = self.theta0.detach().clone().requires_grad_(True)
        optimiser = torch.optim.SGD([theta], lr=step_size, momentum=momentum, weight_decay=self.l2)
        thetas, losses = [theta.detach().clone()], []
        for _ in range(STEPS):
            optimiser.zero_grad()
            value = self.loss(theta)
            value.backward()
            optimiser.step()
            losses.append(value.item())
            thetas.append(theta.detach().clone())
        return thetas, losses

    def train_adamw(self, weight_decay):
        """STEPS updates by torch.optim.AdamW, the gradient of l2 / 2 |theta|^2 included. As `train`."""
        theta = self.theta0.detach().clone().requires_grad_(True)
        optimiser = torch.optim.AdamW([theta], lr=ETA, betas=(BETA1, BETA2), eps=EPS, weight_decay=weight_decay)
        thetas, losses = [theta.detach().clone()], []
        for _ in range(STEPS):
            optimiser.zero_grad()
            value = self.loss(theta)
            (value + self.l2 / 2 * (theta @ theta)).backward()
            optimiser.step()
            losses.append(value.item())
            thetas.append(theta.detach().clone())
        return thetas, losses, optimiser.state[theta]["exp_avg_sq"]


    def train_clipped(self, limit):
        """STEPS Adam updates after clip_grad_norm_ of the gradient with l2 / 2 |theta|^2. As `train`, and the norms."""
        theta = self.theta0.detach().clone().requires_grad_(True)
        optimiser = torch.optim.Adam([theta], lr=ETA, betas=(BETA1, BETA2), eps=EPS)
        thetas, losses, norms = [theta.detach().clone()], [], []
        for _ in range(STEPS):
            optimiser.zero_grad()
            value = self.loss(theta)
            (value + self.l2 / 2 * (theta @ theta)).backward()
            norms.append(torch.nn.utils.clip_grad_norm_([theta], limit).item())
            optimiser.step()
            losses.append(value.item())
            thetas.append(theta.detach().clone())
        return thetas, losses, norms

    def train_amsgrad(self, beta1, beta2, step_size):
        """STEPS updates by torch.optim.Adam(amsgrad=True). As `train`, with max_exp_avg_sq."""
        theta = self.theta0.detach().clone().requires_grad_(True)
        options = dict(lr=step_size, betas=(beta1, beta2), eps=EPS, weight_decay=self.l2)
        optimiser = torch.optim.Adam([theta], amsgrad=True, **options)
        thetas, losses = [theta.detach().clone()], []
        for _ in range(STEPS):
            optimiser.zero_grad()
            value = self.loss(theta)
            value.backward()
            optimiser.step()
            losses.append(value.item())
            thetas.append(theta.detach().clone())
        state = optimiser.state[theta]
        assert (state["max_exp_avg_sq"] > 1.01 * state["exp_avg_sq"]).any(), self.name
        return thetas, losses, state["max_exp_avg_sq"]


WITH_TENSORS = ("linear", "conv", "layer-norm", "position-embedding")


class Graph(Case):
    """A network of items. theta = the tensors of every item that has some, in their order."""

    def __init__(self, name, inputs, items, batch, l2, seed):
        self.name, self.items, self.inputs, self.batch, self.l2, self.seed = name, items, inputs, batch, l2, seed
        self.activation = "relu"  # near-kink pre-activations are refused, whichever item makes them
        rng = np.random.Generator(np.random.PCG64(seed))
        self.shapes, parts = [], []
        shape = [inputs] if isinstance(inputs, int) else inputs
        after = torch.zeros(1, *shape)
        for item in items:
            kind, *numbers = item.split()
            if kind in ("linear", "conv"):
                units = int(numbers[0])
                width = after.shape[1] if kind == "linear" else after.shape[1] * window(numbers[1:])[0] ** 2
                bound = math.sqrt(6 / width)
                self.shapes.append([(units, width), (units,)])
                parts += [rng.uniform(-bound, bound, units * width), rng.uniform(-0.1, 0.1, units)]
            elif kind == "layer-norm":
                width = after.shape[1]
                self.shapes.append([(width,), (width,)])
                parts += [rng.uniform(0.5, 1.5, width), rng.uniform(-0.5, 0.5, width)]
            elif kind == "position-embedding":
                shape_of = (math.prod(after.shape[2:]), after.shape[1])
                self.shapes.append([shape_of])
                parts += [rng.uniform(-0.5, 0.5, math.prod(shape_of))]
            if kind != "add":
                zero = [torch.zeros(shape) for shape in self.shapes[-1]] if kind in WITH_TENSORS else None
                after = apply(item, after, zero)
        self.theta0 = f32(np.concatenate(parts))
        self.x = f32(rng.standard_normal((batch, math.prod(shape)))).reshape(batch, *shape)
        self.y = torch.from_numpy(rng.integers(0, after.shape[1], batch))
        self.v = f32(rng.standard_normal(self.theta0.numel()))
        self.sizes = [[math.prod(shape) for shape in shapes] for shapes in self.shapes]
        ends = np.cumsum([sum(sizes) for sizes in self.sizes])
        self.blocks = [slice(int(e - sum(sizes)), int(e)) for e, sizes in zip(ends, self.sizes)]

    def split(self, theta):
        """The tensors of every block of a flat vector."""
        return [
            [t.reshape(shape) for t, shape in zip(theta[b].split(sizes), shapes)]
            for b, sizes, shapes in zip(self.blocks, self.sizes, self.shapes)
        ]

    def layers(self, theta):
        return [
            {name: t.flatten().tolist() for name, t in zip(("weight", "bias"), tensors)}
            for tensors in self.split(theta)
        ]

    def forward(self, theta, x):
        """Nothing, and every pre-activation that meets an activation, with what tells the elements of a maximum apart; then
        the logits."""
        blocks, zs, after = iter(self.split(theta)), [], [x]
        for item in self.items:
            kind, *numbers = item.split()
            a = after[-1]
            if kind == "add":
                after.append(a + after[int(numbers[0])])
                continue
            if kind in ACTIVATIONS:
                zs.append(a)
            if kind == "max-pool":
                zs.append(lead(a, *pool_window(numbers)))
            parameters = next(blocks) if kind in WITH_TENSORS else None
            after.append(apply(item, a, parameters))
        return None, zs + [after[-1]]


def window(words, stride=1):
    """Kernel, stride and padding of the words `kernel 3 stride 2 padding 1`."""
    given = dict(zip(words[::2], map(int, words[1::2])))
    return given["kernel"], given.get("stride", stride), given.get("padding", 0)


def pool_window(words):
    return window(["kernel", *words], stride=int(words[0]))


def apply(item, a, parameters):
    """The value after an item that reads one value, a [batch, units or channels, ...]."""
    kind, *words = item.split()
    if kind == "linear" and a.dim() == 2:
        return F.linear(a, *parameters)
    if kind == "linear":
        weight, bias = parameters
        return F.conv2d(a, weight[:, :, None, None], bias)
    if kind == "attention":
        return attention(a, int(words[0]))
    if kind == "conv":
        kernel, stride, padding = window(words[1:])
        weight, bias = parameters
        return F.conv2d(a, weight.reshape(-1, a.shape[1], kernel, kernel), bias, stride, padding)
    if kind == "layer-norm":
        gain, bias = parameters
        return F.layer_norm(a.movedim(1, -1), gain.shape, gain, bias).movedim(-1, 1)
    if kind == "position-embedding":
        return a + parameters[0].t().reshape(a.shape[1:])
    if kind == "flatten":
        return torch.flatten(a, 1)
    if kind == "max-pool":
        return F.max_pool2d(a, *pool_window(words))
    if kind == "average-pool":
        return F.avg_pool2d(a, *pool_window(words))
    if kind == "global-average-pool":
        return a.mean(dim=(2, 3))
    return ACTIVATIONS[kind](a)


def attention(a, heads):
    """PyTorch's multi-head self-attention of a = [q, k, v] at every position, with projections that change nothing."""
    positions = a.flatten(2) if a.dim() > 2 else a[:, :, None]
    q, k, v = (part.permute(2, 0, 1) for part in positions.chunk(3, dim=1))
    units = q.shape[2]
    one = torch.eye(units)
    z, _ = F.multi_head_attention_forward(
        q, k, v, units, heads, one.repeat(3, 1), None, None, None, False, 0.0, one, None
    )
    return z.permute(1, 2, 0).reshape(len(a), units, *a.shape[2:])


def lead(a, kernel, stride, padding):
    """How far the largest element of every window is ahead of the next one. Equal elements of ReLU have no gradient."""
    a = F.pad(a, (padding,) * 4, value=-math.inf)
    windows = a.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
    first, second = windows.topk(2, dim=4).values.unbind(4)
    return torch.where((first == 0) & (second == 0), 1.0, first - second)


def top_two(h):
    """(dominant eigenvalue with its sign, second-largest absolute value)."""
    assert torch.allclose(h, h.T, rtol=0, atol=1e-12)
    e = torch.linalg.eigvalsh((h + h.T) / 2)
    e = e[torch.argsort(e.abs(), descending=True)]
    return e[0].item(), e[1].abs().item()


def clear(case, thetas):
    """Whether no pre-activation comes near a kink and no prediction near a tie."""
    for theta in thetas:
        zs = case.forward(theta, case.x)[1]
        if case.activation in KINKED and any(z.abs().min() <= 1e-4 for z in zs[:-1]):
            return False
        top = zs[-1].topk(2, dim=1).values
        if (top[:, 0] - top[:, 1]).min() <= 1e-4:
            return False
    return True


def acceptable(case, thetas, hessian):
    """Clear of anything float32 rounding could tip over; otherwise the next seed is tried."""
    if not clear(case, thetas):
        return False
    # Biases of keys have no gradient but rounding: L2 alone moves them, which float32 follows while they are not near zero.
    zero = 1e-13 if case.l2 else 0
    g = case.gradient(case.theta0)
    rounding = (g != 0) & (g.abs() <= zero)
    if any((theta[rounding].abs() < 0.02).any() for theta in thetas):
        return False
    for g in (case.gradient(case.theta0), case.gradient(case.theta0) + case.l2 * case.theta0):
        if ((g.abs() > zero) & (g.abs() <= 1e-5)).any():
            return False  # Adam's first step is about the sign of the gradient
    for b in case.blocks + [slice(None)]:
        dominant, second = top_two(hessian[b, b])
        if second > 0.95 * abs(dominant):
            return False  # power iteration could not separate the two
    return True


def check(case, thetas, losses, v_flat, gradient, hessian, s_blocks):
    """Independent checks: central differences, Adam by hand, the probe formula for S."""
    rng = np.random.Generator(np.random.PCG64(12345))
    h = 1e-6
    for b in case.blocks:  # weights and biases of every layer; the last coordinate is a bias
        for j in {int(j) for j in rng.integers(b.start, b.stop, 6)} | {b.stop - 1}:
            e = torch.zeros_like(case.theta0)
            e[j] = h
            up, down = case.theta0 + e, case.theta0 - e
            difference = (case.loss(up) - case.loss(down)) / (2 * h)
            assert abs(difference - gradient[j]) < 1e-8, (case.name, j)
            penalty = lambda t: case.loss(t) + case.l2 / 2 * (t @ t)
            difference = (penalty(up) - penalty(down)) / (2 * h)
            assert abs(difference - (gradient[j] + case.l2 * case.theta0[j])) < 1e-8, (case.name, j)
    t = 1e-6 * case.v
    difference = (case.gradient(case.theta0 + t) - case.gradient(case.theta0 - t)) / 2e-6
    assert (difference - hessian @ case.v).abs().max() < 1e-7, case.name

    theta, m, v = case.theta0.clone(), torch.zeros_like(case.theta0), torch.zeros_like(case.theta0)
    for k in range(1, STEPS + 1):
        assert abs(case.loss(theta).item() - losses[k - 1]) < 1e-12
        g = case.gradient(theta) + case.l2 * theta
        m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
        theta = theta - ETA * (m / (1 - BETA1**k)) / ((v / (1 - BETA2**k)).sqrt() + EPS)
        assert (theta - thetas[k]).abs().max() < 1e-12, case.name
    assert torch.allclose(v, v_flat, rtol=1e-12, atol=0)

    inputs, zs = case.forward(case.theta0.clone().requires_grad_(True), case.x)
    ds = torch.autograd.grad(F.cross_entropy(zs[-1], case.y, reduction="sum"), zs)
    for b, a, d, s in zip(case.blocks, inputs, ds, s_blocks):
        second_moment = ((d * d).sum(1) * ((a * a).sum(1) + 1)).mean()
        assert math.isclose((second_moment - gradient[b] @ gradient[b]).item(), s, rel_tol=1e-10)


def write(name, record):
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n" + ",\n".join("  " + json.dumps(v, allow_nan=False) for v in value) + "\n ]"
        else:
            text = json.dumps(value, allow_nan=False)  # floats: shortest repr that reads back to the same float64
        lines.append(f" {json.dumps(key)}: {text}")
    (HERE / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def make(name, activation, widths, batch, l2, first_seed):
    for seed in range(first_seed, first_seed + 1000):
        case = Case(name, activation, widths, batch, l2, seed)
        thetas, losses, v_flat = case.train()
        hessian = torch.autograd.functional.hessian(case.loss, case.theta0)
        if acceptable(case, thetas, hessian):
            break
    else:
        raise SystemExit(f"{name}: no acceptable seed")
    least = min(
        (z.abs().min().item() for t in thetas for z in case.forward(t, case.x)[1][:-1]), default=math.inf
    )
    assert activation not in KINKED or least > 1e-4

    theta0, everything = case.theta0, slice(None)
    assert torch.equal(theta0, theta0.float().double()) and torch.equal(case.x, case.x.float().double())
    gradient = case.gradient(theta0)
    per_sample = torch.stack([case.gradient(theta0, case.x[i : i + 1], case.y[i : i + 1]) for i in range(batch)])
    assert torch.allclose(per_sample.mean(0), gradient, rtol=0, atol=1e-14)
    deviation = (per_sample - per_sample.mean(0)).square()
    variance = lambda b: (deviation[:, b].sum() / batch).item()
    check(case, thetas, losses, v_flat, gradient, hessian, [variance(b) for b in case.blocks])

    logits = case.forward(theta0, case.x)[1][-1]
    v_means = [w.mean().item() for w, _ in case.split(v_flat)]
    header = {"name": name, "activation": activation, "widths": widths, "batch": batch, "l2": l2, "seed": seed}
    point = {"x": case.x.flatten().tolist(), "y": case.y.tolist(), "layers": case.layers(theta0)}
    write(f"step_{name}.json", {
        **header,
        "step_size": ETA, "beta1": BETA1, "beta2": BETA2, "epsilon": EPS, "steps": STEPS,
        **point,
        "loss": losses[0],
        "correct": int((logits.argmax(1) == case.y).sum()),
        "gradients": case.layers(gradient),
        "gradients_l2": case.layers(gradient + l2 * theta0),
        "losses": losses,
        "after_5": case.layers(thetas[-1]),
        "exp_avg_sq_mean": v_means,
        "effective_step": [
            ETA / ((1 - BETA1**STEPS) * (math.sqrt(v / (1 - BETA2**STEPS)) + EPS)) for v in v_means
        ],
    })

    def curvature(b):
        dominant, second = top_two(hessian[b, b])
        g, g_l2 = gradient[b], (gradient + l2 * theta0)[b]
        return {"lambda": dominant, "second_abs": second, "g2": (g @ g).item(), "g2_l2": (g_l2 @ g_l2).item(), "s": variance(b)}

    write(f"curvature_{name}.json", {
        **header,
        **point,
        "blocks": [curvature(b) for b in case.blocks],
        "network": curvature(everything),
        "v": case.layers(case.v),
        "hv": case.layers(hessian @ case.v),
    })
    if name in SGD:
        make_sgd(case, header, point, *SGD[name])
    if name in ADAMW:
        make_adamw(case, header, point, ADAMW[name])
    if name in CLIP:
        make_clipped(case, header, point, CLIP[name])
    if name in AMSGRAD:
        make_amsgrad(case, header, point, *AMSGRAD[name])
    ratio = max(s / abs(d) for d, s in (top_two(hessian[b, b]) for b in case.blocks + [everything]))
    print(f"{name}: seed {seed}, least |pre-activation| {least:.2e}, largest eigenvalue ratio {ratio:.3f}, loss {losses[0]:.4f} -> {losses[-1]:.4f}")


def make_graph(name, inputs, items, batch, l2, first_seed):
    """One file with everything: gradients, five Adam updates, Hessian blocks, a product, gradient noise."""
    for seed in range(first_seed, first_seed + 1000):
        case = Graph(name, inputs, items, batch, l2, seed)
        thetas, losses, _ = case.train()
        hessian = torch.autograd.functional.hessian(case.loss, case.theta0)
        if acceptable(case, thetas, hessian):
            break
    else:
        raise SystemExit(f"graph {name}: no acceptable seed")
    gradient = case.gradient(case.theta0)
    step = 1e-6 * case.v
    difference = (case.gradient(case.theta0 + step) - case.gradient(case.theta0 - step)) / 2e-6
    assert (difference - hessian @ case.v).abs().max() < 1e-7, name
    for j in range(0, case.theta0.numel(), 5):
        e = torch.zeros_like(case.theta0)
        e[j] = 1e-6
        difference = (case.loss(case.theta0 + e) - case.loss(case.theta0 - e)) / 2e-6
        assert abs(difference - gradient[j]) < 1e-8, (name, j)
    samples = [case.gradient(case.theta0, case.x[i : i + 1], case.y[i : i + 1]) for i in range(batch)]
    deviation = (torch.stack(samples) - gradient).square()

    def curvature(b):
        dominant, second = top_two(hessian[b, b])
        g, g_l2 = gradient[b], (gradient + l2 * case.theta0)[b]
        s = (deviation[:, b].sum() / batch).item()
        return {"lambda": dominant, "second_abs": second, "g2": (g @ g).item(), "g2_l2": (g_l2 @ g_l2).item(), "s": s}

    write(f"graph_{name}.json", {
        "name": name, "inputs": inputs, "items": items, "batch": batch, "l2": l2, "seed": seed,
        "step_size": ETA, "beta1": BETA1, "beta2": BETA2, "epsilon": EPS, "steps": STEPS,
        "x": case.x.flatten().tolist(), "y": case.y.tolist(), "layers": case.layers(case.theta0),
        "gradients": case.layers(gradient),
        "losses": losses,
        "after_5": case.layers(thetas[-1]),
        "blocks": [curvature(b) for b in case.blocks],
        "network": curvature(slice(None)),
        "v": case.layers(case.v),
        "hv": case.layers(hessian @ case.v),
    })
    print(f"graph {name}: seed {seed}, loss {losses[0]:.4f} -> {losses[-1]:.4f}")


class Penalty:
    """A case at a second point theta, with penalties that pull it towards theta0."""

    def __init__(self, name, activation, widths, batch, l2, l2_init, wasserstein, seed):
        self.case = Case(name, activation, widths, batch, l2, seed)
        self.l2_init_strength, self.wasserstein_strength = l2_init, wasserstein
        rng = np.random.Generator(np.random.PCG64(seed + 500))
        self.theta = f32(self.case.theta0.numpy() + rng.normal(0, 0.3, self.case.theta0.numel()))

    def tensors(self, theta):
        return [t for pair in self.case.split(theta) for t in pair]

    def l2_init(self, theta):
        return self.l2_init_strength / 2 * (theta - self.case.theta0).square().sum()

    def wasserstein(self, theta):
        sort = lambda t: torch.sort(t.flatten()).values
        pairs = zip(self.tensors(theta), self.tensors(self.case.theta0))
        return self.wasserstein_strength * sum((sort(p) - sort(q)).square().sum() for p, q in pairs)

    def objective(self, theta):
        """Without l2, which Adam's weight_decay adds."""
        return self.case.loss(theta) + self.l2_init(theta) + self.wasserstein(theta)

    def gradient(self, function, theta):
        t = theta.detach().clone().requires_grad_(True)
        return torch.autograd.grad(function(t), t)[0]

    def train(self):
        """The thetas visited by STEPS updates of torch.optim.Adam."""
        theta = self.theta.clone().requires_grad_(True)
        optimiser = torch.optim.Adam([theta], lr=ETA, betas=(BETA1, BETA2), eps=EPS, weight_decay=self.case.l2)
        thetas = [theta.detach().clone()]
        for _ in range(STEPS):
            optimiser.zero_grad()
            self.objective(theta).backward()
            optimiser.step()
            thetas.append(theta.detach().clone())
        return thetas

    def acceptable(self, thetas):
        """No kink, no tie of parameters and no tiny gradient near enough for float32 to tip over."""
        for theta in [self.case.theta0, *thetas]:
            zs = self.case.forward(theta, self.case.x)[1]
            if self.case.activation in KINKED and any(z.abs().min() <= 1e-4 for z in zs[:-1]):
                return False
            if any(torch.sort(t.flatten()).values.diff().min() <= 1e-5 for t in self.tensors(theta)):
                return False
        g = self.gradient(self.objective, self.theta) + self.case.l2 * self.theta
        return bool((g.abs() > 1e-5).all())

    def check(self):
        """By central differences, and by ranks written out."""
        by_rank = []
        for p, q in zip(self.tensors(self.theta), self.tensors(self.case.theta0)):
            rank = torch.argsort(torch.argsort(p.flatten()))
            by_rank.append(2 * self.wasserstein_strength * (p.flatten() - torch.sort(q.flatten()).values[rank]))
        assert (torch.cat(by_rank) - self.gradient(self.wasserstein, self.theta)).abs().max() < 1e-14
        for function in (self.l2_init, self.wasserstein):
            gradient = self.gradient(function, self.theta)
            for j in range(0, self.theta.numel(), 7):
                e = torch.zeros_like(self.theta)
                e[j] = 1e-6
                difference = (function(self.theta + e) - function(self.theta - e)) / 2e-6
                assert abs(difference - gradient[j]) < 1e-8, (self.case.name, j)


def make_penalty(name, activation, widths, batch, l2, l2_init, wasserstein, first_seed):
    for seed in range(first_seed, first_seed + 1000):
        penalty = Penalty(name, activation, widths, batch, l2, l2_init, wasserstein, seed)
        thetas = penalty.train()
        if penalty.acceptable(thetas):
            break
    else:
        raise SystemExit(f"penalty {name}: no acceptable seed")
    penalty.check()
    case, theta = penalty.case, penalty.theta
    gradient = case.gradient(theta)
    of_l2_init = penalty.gradient(penalty.l2_init, theta)
    of_wasserstein = penalty.gradient(penalty.wasserstein, theta)
    total = gradient + l2 * theta + of_l2_init + of_wasserstein
    write(f"penalty_{name}.json", {
        "name": name, "activation": activation, "widths": widths, "batch": batch, "l2": l2,
        "l2_init": l2_init, "wasserstein": wasserstein, "seed": seed,
        "step_size": ETA, "beta1": BETA1, "beta2": BETA2, "epsilon": EPS, "steps": STEPS,
        "x": case.x.flatten().tolist(), "y": case.y.tolist(),
        "initial": case.layers(case.theta0),
        "layers": case.layers(theta),
        "gradients": case.layers(gradient),
        "gradients_l2_init": case.layers(of_l2_init),
        "gradients_wasserstein": case.layers(of_wasserstein),
        "g2": [(gradient[b] @ gradient[b]).item() for b in case.blocks],
        "g2_objective": [(total[b] @ total[b]).item() for b in case.blocks],
        "after_5": case.layers(thetas[-1]),
    })
    print(f"penalty {name}: seed {seed}")
def make_sgd(case, header, point, momentum, step_size):
    thetas, losses = case.train_sgd(momentum, step_size)
    assert clear(case, thetas), case.name
    theta, buffer = case.theta0.clone(), torch.zeros_like(case.theta0)
    for k in range(STEPS):  # by hand
        buffer = momentum * buffer + case.gradient(theta) + case.l2 * theta
        theta = theta - step_size * buffer
        assert (theta - thetas[k + 1]).abs().max() < 1e-12, case.name
    update = thetas[-1] - thetas[-2]
    write(f"sgd_{case.name}.json", {
        **header,
        "step_size": step_size, "momentum": momentum, "steps": STEPS,
        **point,
        "losses": losses,
        "after_5": case.layers(thetas[-1]),
        "effective_step": step_size * sum(momentum**k for k in range(STEPS)),
        "update_norm": [update[b].norm().item() for b in case.blocks],
    })
    print(f"{case.name}, SGD: loss {losses[0]:.4f} -> {losses[-1]:.4f}")


def make_adamw(case, header, point, weight_decay):
    thetas, losses, v_flat = case.train_adamw(weight_decay)
    assert clear(case, thetas), case.name
    theta, m, v = case.theta0.clone(), torch.zeros_like(case.theta0), torch.zeros_like(case.theta0)
    for k in range(1, STEPS + 1):  # by hand
        g = case.gradient(theta) + case.l2 * theta
        m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
        theta = theta - ETA * weight_decay * theta
        theta = theta - ETA * (m / (1 - BETA1**k)) / ((v / (1 - BETA2**k)).sqrt() + EPS)
        assert (theta - thetas[k]).abs().max() < 1e-12, case.name
    update = thetas[-1] - thetas[-2]
    v_means = [w.mean().item() for w, _ in case.split(v_flat)]
    write(f"adamw_{case.name}.json", {
        **header,
        "step_size": ETA, "beta1": BETA1, "beta2": BETA2, "epsilon": EPS, "weight_decay": weight_decay, "steps": STEPS,
        **point,
        "losses": losses,
        "after_5": case.layers(thetas[-1]),
        "effective_step": [
            ETA / ((1 - BETA1**STEPS) * (math.sqrt(v / (1 - BETA2**STEPS)) + EPS)) for v in v_means
        ],
        "update_norm": [update[b].norm().item() for b in case.blocks],
    })
    print(f"{case.name}, AdamW: loss {losses[0]:.4f} -> {losses[-1]:.4f}")


def make_clipped(case, header, point, limit):
    thetas, losses, norms = case.train_clipped(limit)
    assert clear(case, thetas) and min(norms) < limit < max(norms), case.name
    write(f"clip_{case.name}.json", {
        **header,
        "step_size": ETA, "beta1": BETA1, "beta2": BETA2, "epsilon": EPS, "gradient_clipping": limit, "steps": STEPS,
        **point,
        "losses": losses,
        "norms": norms,
        "after_5": case.layers(thetas[-1]),
    })


def make_amsgrad(case, header, point, beta1, beta2, step_size):
    thetas, losses, v_flat = case.train_amsgrad(beta1, beta2, step_size)
    assert clear(case, thetas), case.name
    theta, m, v, largest = case.theta0.clone(), 0.0, 0.0, torch.zeros_like(case.theta0)
    for k in range(1, STEPS + 1):  # by hand
        g = case.gradient(theta) + case.l2 * theta
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        largest = torch.maximum(largest, v)
        theta = theta - step_size * (m / (1 - beta1**k)) / ((largest / (1 - beta2**k)).sqrt() + EPS)
        assert (theta - thetas[k]).abs().max() < 1e-12, case.name
    update = thetas[-1] - thetas[-2]
    v_means = [w.mean().item() for w, _ in case.split(v_flat)]
    write(f"amsgrad_{case.name}.json", {
        **header,
        "step_size": step_size, "beta1": beta1, "beta2": beta2, "epsilon": EPS, "steps": STEPS,
        **point,
        "losses": losses,
        "after_5": case.layers(thetas[-1]),
        "effective_step": [
            step_size / ((1 - beta1**STEPS) * (math.sqrt(v / (1 - beta2**STEPS)) + EPS)) for v in v_means
        ],
        "update_norm": [update[b].norm().item() for b in case.blocks],
    })
    print(f"{case.name}, AMSGrad: loss {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    for arguments in [] if sys.argv[1:] else CASES:
        make(*arguments)
    for arguments in GRAPHS:
        if not sys.argv[1:] or arguments[0] in sys.argv[1:]:
            make_graph(*arguments)
    for arguments in [] if sys.argv[1:] else PENALTIES:
        make_penalty(*arguments)
