"""Medians over tasks 3 to 8 and seeds of what probes show so many updates after a task switch.

    python3 after_switch.py RUN > after_switch.csv

RUN is the directory that `trainable run` made of the file beside this one. r is the root mean square of the gradient (with
regularisers) over the root of Adam's mean second moment (both over the layer's weights and biases).
"""

import collections
import csv
import pathlib
import statistics
import sys

STEPS = 1_000
PARAMETERS = {
    "relu": {"1": 785 * 256, "2": 257 * 256, "3": 257 * 10},
    "crelu": {"1": 785 * 256, "2": 513 * 256, "3": 513 * 10},
}
COLUMNS = ["r", "effective_step", "sharpness"]


def main():
    values = collections.defaultdict(list)
    with open(pathlib.Path(sys.argv[1]) / "probes.csv", newline="") as file:
        for row in csv.DictReader(file):
            task, layer = int(row["task"]), row["layer"]
            measured = all(row[column] for column in ["effective_step", "sharpness", "second_moment"])
            if task < 3 or layer == "network" or not measured or float(row["second_moment"]) == 0:
                continue
            parameters = PARAMETERS["crelu" if row["arm"].startswith("CReLU") else "relu"][layer]
            square = float(row["objective_grad_norm_sq"]) / parameters / float(row["second_moment"])
            found = [square**0.5, float(row["effective_step"]), float(row["sharpness"])]
            values[row["arm"], layer, int(row["update"]) - (task - 1) * STEPS].append(found)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["arm", "layer", "updates_after_switch", "probes", *COLUMNS])
    for (arm, layer, after), found in sorted(values.items()):
        table.writerow([arm, layer, after, len(found), *(f"{statistics.median(x):.4g}" for x in zip(*found))])


main()
