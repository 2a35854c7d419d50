"""The networks that peers.py trains: the paper's perceptron, LeNet, and a small vision transformer, in JAX and in PyTorch.

Each is a list of parameter shapes, the fan-in first, with a function of the parameters and of images [batch, 784]. The function
takes the library's own operations `ops`, so that both libraries compute the same. Weights are [inputs, outputs], and kernels
[outputs, channels, height, width].
"""

import math

CLASSES = 10


def linear(inputs, outputs):
    return [(inputs, (inputs, outputs)), (0, (outputs,))]


def convolution(channels, outputs, size):
    return [(channels * size * size, (outputs, channels, size, size)), (0, (outputs,))]


def norm(width):
    return [(None, (width,)), (0, (width,))]


def perceptron(ops, parameters, x):
    for layer in range(3):
        w, b = parameters[2 * layer : 2 * layer + 2]
        x = ops.linear(x, w, b)
        x = ops.relu(x) if layer < 2 else x
    return x


def lenet(ops, parameters, x):
    w1, b1, w2, b2, *rest = parameters
    x = x.reshape(-1, 1, 28, 28)
    x = ops.max_pool(ops.relu(ops.conv(x, w1, b1, padding=2)))
    x = ops.max_pool(ops.relu(ops.conv(x, w2, b2, padding=0)))
    return perceptron(ops, rest, x.reshape(-1, 400))


def transformer(ops, parameters, x, heads=4):
    w, b, position, *rest = parameters
    patches = ops.transpose(x.reshape(-1, 4, 7, 4, 7), (0, 1, 3, 2, 4)).reshape(-1, 16, 49)
    x = ops.linear(patches, w, b) + position
    width = w.shape[1]
    for _ in range(2):
        (g1, o1, wa, ba, wp, bp, g2, o2, wu, bu, wd, bd), rest = rest[:12], rest[12:]
        qkv = ops.linear(ops.norm(x, g1, o1), wa, ba)
        qkv = ops.transpose(qkv.reshape(-1, 16, 3, heads, width // heads), (2, 0, 3, 1, 4))
        y = ops.transpose(ops.attention(qkv[0], qkv[1], qkv[2]), (0, 2, 1, 3)).reshape(-1, 16, width)
        x = x + ops.linear(y, wp, bp)
        x = x + ops.linear(ops.gelu(ops.linear(ops.norm(x, g2, o2), wu, bu)), wd, bd)
    g, o, w, b = rest
    return ops.linear(ops.norm(x, g, o).mean(1), w, b)


def block(width):
    attention = norm(width) + linear(width, 3 * width) + linear(width, width)
    return attention + norm(width) + linear(width, 2 * width) + linear(2 * width, width)


LENET = convolution(1, 6, 5) + convolution(6, 16, 5) + linear(400, 120) + linear(120, 84) + linear(84, CLASSES)
TRANSFORMER = linear(49, 64) + [(2500, (16, 64))] + block(64) + block(64) + norm(64) + linear(64, CLASSES)
NETWORKS = {
    "mlp": (linear(784, 256) + linear(256, 256) + linear(256, CLASSES), perceptron),
    "lenet": (LENET, lenet),
    "vit-small": (TRANSFORMER, transformer),
}


class JaxOps:
    """The operations in JAX."""

    def __init__(self):
        import jax

        self.lax, self.nn = jax.lax, jax.nn
        self.relu, self.transpose = jax.nn.relu, jax.numpy.transpose

    def linear(self, x, w, b):
        return x @ w + b

    def attention(self, q, k, v):
        scores = q @ self.transpose(k, (0, 1, 3, 2)) / math.sqrt(q.shape[-1])
        return self.nn.softmax(scores) @ v

    def gelu(self, x):
        return self.nn.gelu(x, approximate=False)

    def conv(self, x, w, b, padding):
        y = self.lax.conv_general_dilated(x, w, (1, 1), [(padding, padding)] * 2)
        return y + b[:, None, None]

    def max_pool(self, x):
        return x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).max((3, 5))

    def norm(self, x, gain, offset):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * self.lax.rsqrt(variance + 1e-5) * gain + offset


class TorchOps:
    """The operations in PyTorch."""

    def __init__(self):
        from torch.nn import functional

        self.f = functional
        self.relu, self.gelu = functional.relu, functional.gelu

    def linear(self, x, w, b):
        return self.f.linear(x, w.t(), b)

    def attention(self, q, k, v):
        return self.f.scaled_dot_product_attention(q, k, v)

    def transpose(self, x, axes):
        return x.permute(axes)

    def conv(self, x, w, b, padding):
        return self.f.conv2d(x, w, b, padding=padding)

    def max_pool(self, x):
        return self.f.max_pool2d(x, 2)

    def norm(self, x, gain, offset):
        return self.f.layer_norm(x, gain.shape, gain, offset)
