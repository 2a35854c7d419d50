"""How far cheaper estimates of curvature are from converged ones, probe by probe, on the same networks.

    python3 errors.py RUNS > errors.csv

RUNS holds the directories that `trainable run` made of the files beside this one (`trainable run NAME.toml --out RUNS/NAME`).
Compared is the arm `L2: constant`, whose training no probe touches, so that all runs probe the same networks on the same
minibatches. Errors are |estimate / converged - 1|; products are Hessian-vector products a probe.
"""

import csv
import pathlib
import statistics
import sys

ESTIMATES = ["power-warm-1", "power-warm-5", "power-warm-20", "power-cold-100", "locally-optimal"]
HEADER = ["estimate", "layer", "probes", "products", "median_ratio", "median_error", "ninth_decile_error"]


def sharpness(directory):
    """Sharpness and products of every probe and layer of the constant arm."""
    with open(directory / "probes.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["arm"] == "L2: constant"]
    return {
        (row["seed"], int(row["update"]), row["layer"]): (float(row["sharpness"]), int(row["iterations"]))
        for row in rows
        if row["sharpness"]
    }


def main():
    runs = pathlib.Path(sys.argv[1])
    converged = sharpness(runs / "converged")
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEADER)
    for estimate in ESTIMATES:
        found = sharpness(runs / estimate)
        for layer in ["1", "2", "3", "network"]:
            keys = [key for key in converged if key[2] == layer and key in found]
            ratios = [found[key][0] / converged[key][0] for key in keys]
            errors = [abs(ratio - 1) for ratio in ratios]
            decile = statistics.quantiles(errors, n=10)[8]
            products = statistics.mean(found[key][1] for key in keys)
            row = [products, statistics.median(ratios), statistics.median(errors), decile]
            table.writerow([estimate, layer, len(keys), *(f"{number:.4g}" for number in row)])


main()
