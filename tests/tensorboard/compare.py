#!/usr/bin/env python3
"""Compares event files with the tables of their runs, as TensorBoard's own reader has them.

    pip install tensorboard
    python tests/tensorboard/compare.py

Two runs of the smoke preset with indicators: one that goes through, and one that is killed midway (SIGKILL) and resumed, while a
reader has its files open all the time. Every scalar is compared with its cell: how many, at which steps, and the value
as float32 to the last bit. At last flipped bytes and changed cells must be noticed.
"""

import csv
import json
import logging
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from tensorboard import version
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/trainable"
STEPS_PER_TASK = 80
TASKS = 3
REPLICAS = [(arm, seed) for arm in ("L2: constant", "L2: combined") for seed in (1, 2)]
FLIPS = 300

OF_TASK = {
    "online_accuracy": "accuracy/online",
    "final_accuracy": "accuracy/final",
    "online_loss": "loss/online",
    "final_loss": "loss/final",
}
OF_PROBE = {"accuracy": "accuracy/probe", "loss": "loss/probe"}
OF_LAYER = {
    "step_size": "step size",
    "effective_step": "effective step",
    "sharpness": "sharpness",
    "residual": "sharpness residual",
    "sharpness_normalised": "sharpness normalised",
    "volatility": "volatility",
    "grad_norm_sq": "gradient norm squared",
    "grad_variance": "gradient variance",
    "bound_noise": "noise bound",
    "bound_volatility": "volatility bound",
    "bound_combined": "combined bound",
    "bound_tau": "tau bound",
    "violation": "violation",
    "weight_norm": "weight norm",
    "update_norm": "update norm",
    "clip_ratio": "clip ratio",
    "clip_factor": "clip factor",
}
OF_INDICATORS = {
    "dead": "units/dead",
    "dormant": "units/dormant",
    "sign_entropy": "units/sign entropy",
    "effective_rank": "rank/effective",
    "stable_rank": "rank/stable",
    "fisher_rank": "rank/fisher",
    "fisher_effective_rank": "rank/fisher effective",
}


def main():
    # It warns of flipped bytes.
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    # Builds the program as its own tests run it.
    subprocess.run(["cargo", "test", "--no-run", "--test", "tensorboard"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as place:
        # The preset without indicators has no points of theirs.
        preset = subprocess.run([PROGRAM, "presets", "smoke", "--full"], capture_output=True, text=True, check=True).stdout
        assert "indicators_every = 0" in preset
        Path(place, "smoke.toml").write_text(preset.replace("indicators_every = 0", "indicators_every = 1"))
        whole, killed = Path(place, "whole"), Path(place, "killed")
        subprocess.run(command(whole), stdout=subprocess.DEVNULL, check=True)
        compare(whole)
        watchers = kill_midway(killed)
        subprocess.run(command(killed) + ["--resume"], stdout=subprocess.DEVNULL, check=True)
        compare(killed)
        for table in ("tasks.csv", "probes.csv", "indicators.csv"):
            assert (whole / table).read_bytes() == (killed / table).read_bytes(), table
        for replica, watcher in watchers.items():
            watcher.Reload()
            assert scalars_of(watcher) == wanted(killed, *replica), f"{replica}: watched all the time"
        print(f"killed: {len(watchers)} readers that were open all the time have the same")
        check_flipped_bytes(whole)
        check_changed_cells(whole)
    print(f"passed, with tensorboard {version.VERSION}")


def command(out):
    options = ["--tensorboard", "--backend", "cpu", "--progress", "json", "--checkpoint-seconds", "0"]
    return [PROGRAM, "run", out.with_name("smoke.toml"), *options, "--out", out]


def kill_midway(run):
    """Kills a run in its second task; readers of its files, which had something to read before."""
    child = subprocess.Popen(command(run), stdout=subprocess.PIPE, text=True)
    rows = 0
    while rows <= len(REPLICAS):
        rows += json.loads(child.stdout.readline())["event"] == "task"
    watchers = {replica: EventAccumulator(directory(run, *replica), {"scalars": 0}) for replica in REPLICAS}
    for watcher in watchers.values():
        watcher.Reload()
        assert "accuracy/online" in watcher.Tags()["scalars"], "nothing to read while it runs"
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it had ended already"
    assert not (run / "tasks.csv").exists()
    print(f"killed: after {rows} tasks of replicas of {TASKS * len(REPLICAS)}")
    return watchers


def directory(run, arm, seed):
    return str(run / "tensorboard" / arm.replace(":", "_") / f"seed-{seed}")


def scalars_of(accumulator):
    """Steps and bits of the values, by tag, in the order in which they stand."""
    return {
        tag: [(event.step, bits(event.value)) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def read(run, arm, seed):
    accumulator = EventAccumulator(directory(run, arm, seed), {"scalars": 0})
    accumulator.Reload()
    return scalars_of(accumulator)


def bits(value):
    return np.float32(value).tobytes().hex()


def wanted(run, arm, seed):
    """The same from the tables."""
    scalars = {}

    def add(row, step, columns, suffix=""):
        for column, group in columns.items():
            # Only tables with clipped updates have their columns.
            if row.get(column):
                number = {"true": 1.0, "false": 0.0}.get(row[column]) if column == "violation" else float(row[column])
                scalars.setdefault(group + suffix, []).append((step, bits(number)))

    for row in rows(run / "tasks.csv", arm, seed):
        add(row, int(row["task"]) * STEPS_PER_TASK, OF_TASK)
    for row in rows(run / "probes.csv", arm, seed):
        is_network = row["layer"] == "network"
        if is_network:
            add(row, int(row["update"]), OF_PROBE)
        add(row, int(row["update"]), OF_LAYER, "/network" if is_network else f"/layer {row['layer']}")
    for row in rows(run / "indicators.csv", arm, seed):
        add(row, int(row["update"]), OF_INDICATORS)
    return scalars


def rows(table, arm, seed):
    with open(table, newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if (row["arm"], row["seed"]) == (arm, str(seed))]


def compare(run):
    count, tags = 0, set()
    for arm, seed in REPLICAS:
        found, table = read(run, arm, seed), wanted(run, arm, seed)
        assert found.keys() == table.keys(), found.keys() ^ table.keys()
        for tag, points in table.items():
            assert found[tag] == points, f"{run.name}, {arm}, seed {seed}, {tag}: {found[tag]} is not {points}"
            count, tags = count + len(points), tags | {tag}
    assert len(tags) > 50 and count > 1000, (len(tags), count)
    print(f"{run.name}: {count} scalars under {len(tags)} tags of {len(REPLICAS)} replicas, all as in the tables")


def check_flipped_bytes(run):
    replica = REPLICAS[0]
    (file,) = Path(directory(run, *replica)).iterdir()
    whole, table = file.read_bytes(), wanted(run, *replica)
    for position in np.linspace(0, len(whole) - 1, FLIPS, dtype=int):
        flipped = bytearray(whole)
        flipped[position] ^= 0x10
        file.write_bytes(flipped)
        assert read(run, *replica) != table, f"byte {position} was flipped, and nothing noticed"
    file.write_bytes(whole)
    assert read(run, *replica) == table
    print(f"{FLIPS} flipped bytes noticed")


def check_changed_cells(run):
    """The last digit of one cell of each table."""
    replica = REPLICAS[0]
    for name in ("tasks.csv", "probes.csv"):
        path = run / name
        text = path.read_text(encoding="utf-8")
        cell = rows(path, *replica)[-1]["accuracy" if name == "probes.csv" else "online_accuracy"]
        changed = str(float(np.nextafter(np.float32(cell), np.float32(2))))
        path.write_text(text.replace(cell, changed), encoding="utf-8")
        assert read(run, *replica) != wanted(run, *replica), f"{name} was changed, and nothing noticed"
        path.write_text(text, encoding="utf-8")
    print("changed cells noticed, by one unit in the last place of a float32")


if __name__ == "__main__":
    main()
