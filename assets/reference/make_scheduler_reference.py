"""Makes scheduler.csv in this folder: probes of a made-up network, the bounds they give and the step sizes that follow.

Run:  python make_scheduler_reference.py        (any working directory; no packages; two runs give identical bytes)
Made with Python 3.11.7.

A second implementation of the bounds and profiles (arXiv 2509.19698), which shares nothing with the first. Statistics are
rounded to six digits before they are used; results are full float64. README.md describes the columns.
"""

import csv
import random
import statistics
from pathlib import Path

HERE = Path(__file__).resolve().parent
BATCH, EPSILON, BASE, KAPPA, WINDOW = 256, 1e-8, 1e-3, 20, 30
LAYERS, PROBES, PROBES_PER_TASK, INTERVAL = ["1", "2"], 60, 20, 40

PAPER = dict(gate=0.12, safety=0.8, cool=0.95, warm=1.005, share=0.1, low=0.0, high=float("inf"), published=True)
ARMS = {
    "paper": PAPER | dict(shared=False),
    "paper-global": PAPER | dict(shared=True),
    "summary": PAPER | dict(shared=False, cool=0.99, warm=1.01),
    "unbiased": PAPER
    | dict(shared=False, published=False, gate=-1.0, cool=0.98, warm=1 / 0.98, share=1.0, low=1e-4, high=1e-2),
}


def six(x):
    return float(f"{x:.6g}")


def measure(rng, probe, depth, eta):
    """Statistics of one layer (or the network), after a task switch sharp and clear of noise."""
    age = probe % PROBES_PER_TASK
    fade = 0.7**age
    v = six(8e-6 * 2 ** (-probe / 12) * rng.uniform(0.7, 1.4))
    s = six(4 * depth * rng.uniform(0.5, 2))
    g2 = six(s / BATCH * (0.2 + 12 * fade) * rng.uniform(0.5, 2))
    return dict(
        step_size=eta,
        effective_step="" if probe == 0 else six(eta / ((4 * depth * v) ** 0.5 + EPSILON)),
        sharpness="" if probe == 33 and depth == 2 else six((5 + 15 * fade) * rng.uniform(0.6, 1.6) - 4),
        grad_norm_sq=g2,
        objective_grad_norm_sq=six(1.3 * g2),
        grad_variance=s,
        second_moment=v,
    )


def bounds(row, first_eta, mean_v, past, published):
    """m, V, a_star and tau; nothing where a statistic is missing."""
    if "" in (row["effective_step"], row["sharpness"]):
        return None
    g2, s = row["objective_grad_norm_sq"], row["grad_variance"]
    step = first_eta / (mean_v**0.5 + EPSILON)
    if not published:
        s = s * BATCH / (BATCH - 1)
        g2 = max(0.0, row["grad_norm_sq"] - s / BATCH)
        step = row["effective_step"]
    past.append(step * row["sharpness"])
    recent = past[-WINDOW:]
    m = statistics.fmean(recent)
    if published:
        big_v = (recent[-1] - m) ** 2
    else:
        big_v = statistics.variance(recent) if len(recent) > 1 else 0.0
    a_star = BATCH * g2 / (s + KAPPA * g2 * big_v)
    return dict(mean=m, variance=big_v, combined=a_star, tau=max(0.0, 2 * m / (m * m + big_v)))


def steer(eta, alpha, a_star, progress, arm):
    if alpha > arm["safety"] * a_star and alpha > arm["gate"]:
        eta *= arm["cool"]
    elif progress < arm["share"] and alpha < 0.3 * arm["safety"] * a_star:
        eta *= arm["warm"]
    return min(max(eta, arm["low"]), arm["high"])


def run(name, arm):
    rng = random.Random(20250919)
    etas = {layer: BASE for layer in LAYERS}
    past = {layer: [] for layer in LAYERS + ["network"]}
    rows = []
    for probe in range(PROBES):
        here = {layer: measure(rng, probe, depth, etas[layer]) for depth, layer in enumerate(LAYERS, 1)}
        here["network"] = measure(rng, probe, 1.5, sum(etas.values()) / len(LAYERS))
        mean_v = here["network"]["second_moment"]
        progress = probe % PROBES_PER_TASK / PROBES_PER_TASK
        first_eta = etas["1"]
        found = {key: bounds(row, first_eta, mean_v, past[key], arm["published"]) for key, row in here.items()}
        for layer in LAYERS:
            steering = "network" if arm["shared"] else layer
            if found[steering]:
                alpha = here[steering]["effective_step"]
                etas[layer] = steer(etas[layer], alpha, found[steering]["combined"], progress, arm)
        for layer, row in here.items():
            place = dict(arm=name, task=probe // PROBES_PER_TASK, update=INTERVAL * probe, progress=progress, layer=layer)
            empty = dict(mean="", variance="", combined="", tau="")
            rows.append(place | row | (found[layer] or empty) | dict(next_step_size=etas.get(layer, "")))
    return rows


def check(rows):
    """Every layer of every arm is cooled and warmed a few times."""
    for name in ARMS:
        for layer in LAYERS:
            etas = [(r["step_size"], r["next_step_size"]) for r in rows if (r["arm"], r["layer"]) == (name, layer)]
            cooled, warmed = sum(a > b for a, b in etas), sum(a < b for a, b in etas)
            assert cooled >= 5 and warmed >= 1, (name, layer, cooled, warmed)
            print(f"{name}, layer {layer}: cooled {cooled}, warmed {warmed} times")


def main():
    rows = [row for name, arm in ARMS.items() for row in run(name, arm)]
    check(rows)
    with open(HERE / "scheduler.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
