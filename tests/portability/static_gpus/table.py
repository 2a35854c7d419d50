"""Makes the table of machine code: table.py DIRECTORY TABLE.csv.

DIRECTORY has GPU.stats as pipeline_stats prints it, and navi31.log with the machine code of RDNA3. A row is one variant of
one kernel on one GPU. Exits with 1 where code that runs on a GPU spills to memory, and where multiply-adds fill too little of the
inner loop of a product on RDNA3: less than 85% by `wide` tiles, which are for devices that are full of work. `deep` tiles are
for products that do not fill a device. They are bound by latency, and moving the tiles takes more than half of their loop; their
share may not fall below what it is.

Columns: the activation that the kernel is compiled for, `any` where it has none; registers as the driver counts them (M1: of 16 bits; Adreno: of 4 x 32), spills to memory, the driver's measure of
occupancy, instructions, bytes of code, and multiply_adds: the share of the vector instructions of a product's inner loop, where a
pair of them that is issued together counts as one with two places.
"""

import csv
import pathlib
import re
import sys

# GPU: its registers, the places of spills, and its occupancy.
COLUMNS = {
    "navi21": ("VGPRs", ["Spilled VGPRs", "Spilled SGPRs"], "Subgroups per SIMD"),
    "navi31": ("VGPRs", ["Spilled VGPRs", "Spilled SGPRs"], "Subgroups per SIMD"),
    "gfx1201": ("VGPRs", ["Spilled VGPRs", "Spilled SGPRs"], "Subgroups per SIMD"),
    "m1": ("GPRs", ["Spills"], "Threads"),
    "a740": ("Registers used", ["STP Count", "LDP Count"], "Max Waves Per Core"),
    "turing": ("Number of GPRs", ["Spills to memory"], "Max warps/SM"),
    "ampere": ("Number of GPRs", ["Spills to memory"], "Max warps/SM"),
}
INSTRUCTIONS = ["Instructions", "Instruction count", "Instruction Count"]
# What src/gpu/tiling.rs never chooses, although it is a tile for GPUs.
NOT_CHOSEN = [("tangent_backward_input", "wide", "fourier")]
LEAST_SHARES = {"wide": 0.85, "deep": 0.38}


def statistics(path):
    """The kernel, its variant and activation, and the driver's numbers, of each line."""
    for line in path.read_text().splitlines():
        file, *numbers = line.split("\t")
        kernel, variant, activation, _ = file.split(".")
        yield (kernel, variant, activation), dict(number.rsplit("=", 1) for number in numbers)


def machine_code(path):
    """The blocks of each shader, in the order of the files: lists of instructions by the block's number."""
    shaders, blocks = [], None
    for line in path.read_text(errors="replace").splitlines():
        if line == "disasm:":
            shaders.append({})
            blocks = []
        elif blocks is not None and (start := re.fullmatch(r"BB(\d+):", line)):
            blocks = shaders[-1].setdefault(int(start[1]), [])
        elif blocks is not None and line.startswith("\t"):
            blocks.append(line.split(";")[0].strip())
        elif line.strip() and blocks is not None:
            blocks = None
    return shaders


def inner_loops(shader):
    """The instructions of each loop that has no other inside. A loop ends with a branch to an earlier place."""
    place = {number: i for i, number in enumerate(shader)}
    blocks, last = list(shader.values()), {}
    for i, block in enumerate(blocks):
        for instruction in block:
            branch = re.match(r"s_c?branch\S* BB(\d+)", instruction)
            if branch and place[int(branch[1])] <= i:
                last[place[int(branch[1])]] = i
    for first, end in last.items():
        if not any(first < other <= end for other in last):
            yield [instruction for block in blocks[first : end + 1] for instruction in block]


def multiply_adds(shader):
    """The share of multiply-adds in the inner loop that has most of them."""
    best = (0, 0)
    for loop in inner_loops(shader):
        vector = [instruction for instruction in loop if instruction.startswith("v_")]
        places = sum(1 + ("::" in instruction) for instruction in vector)
        count = sum(len(re.findall(r"v_(?:dual_)?fma(?:c|mk|ak)?_f32", instruction)) for instruction in vector)
        # In code for 32 lanes, an instruction that is not paired leaves its second place empty.
        pairs = any("::" in instruction for instruction in vector)
        best = max(best, (count, 2 * len(vector) if pairs else places))
    count, places = best
    return count / places if places else None


def main(directory, table):
    directory, faults, rows = pathlib.Path(directory), [], []
    for gpu, (registers, spills, occupancy) in COLUMNS.items():
        lines = list(statistics(directory / f"{gpu}.stats"))
        code = machine_code(directory / "navi31.log") if gpu == "navi31" else [None] * len(lines)
        assert len(code) == len(lines), f"{gpu}: {len(lines)} kernels, machine code of {len(code)}"
        tiled = {kernel for (kernel, variant, _), _ in lines if variant != "plain"}
        for ((kernel, variant, activation), numbers), shader in zip(lines, code):
            is_product = kernel in tiled
            # GPUs run the tiled variants of a product, unless a workgroup may not have 256 lanes.
            runs_here = (not is_product or variant != "plain") and (kernel, variant, activation) not in NOT_CHOSEN
            spilled = sum(int(numbers[name]) for name in spills)
            share = multiply_adds(shader) if shader and is_product else None
            if runs_here and spilled:
                faults.append(f"{gpu}: {kernel} ({variant}, {activation}) spills {spilled}")
            if runs_here and share is not None and share < LEAST_SHARES[variant]:
                faults.append(f"{gpu}: multiply-adds fill {share:.0%} of the inner loop of {kernel} ({variant}, {activation})")
            instructions = next(numbers[name] for name in INSTRUCTIONS if name in numbers)
            rows.append([
                gpu, kernel, variant, activation, numbers[registers], spilled, numbers[occupancy], instructions,
                numbers["Code size"], "" if share is None else f"{share:.2f}",
            ])
    with open(table, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([
            "gpu", "kernel", "variant", "activation", "registers", "spills", "occupancy", "instructions", "code_bytes", "multiply_adds",
        ])
        writer.writerows(rows)
    print("\n".join(faults) or f"{len(rows)} rows, no fault")
    return 1 if faults else 0


sys.exit(main(*sys.argv[1:]))
