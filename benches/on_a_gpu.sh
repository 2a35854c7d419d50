#!/usr/bin/env bash
# Tests and measures a machine with a GPU by one command.
#
#   benches/on_a_gpu.sh pack            where cargo is: builds the program and its tests into target/on_a_gpu
#   benches/on_a_gpu.sh run [--quick]   where the GPU is, in a copy of the repository with target/on_a_gpu: writes
#                                       target/on_a_gpu/report.md, to be sent with an issue or put into PERFORMANCE.md
#
# `run` needs no cargo, but a C library that is not older than where `pack` ran. First it lists the adapters and runs the tests of
# parity and curvature on each of them. If one fails, nothing is measured. Then come `trainable bench` with 1 to 1,024 networks,
# the preset `diagnosis`, and PyTorch and JAX at the same work if python3 has them. --quick is for a rehearsal on software
# Vulkan. BACKEND is vulkan, metal, dx12 or gl; vulkan by default.
set -euo pipefail
cd "$(dirname "$0")/.."
place=target/on_a_gpu
backend=${BACKEND:-vulkan}

pack() {
  local built=${CARGO_TARGET_DIR:-target} test
  mkdir -p $place
  cargo build --release --bin trainable
  cp "$built/release/trainable" $place/
  git describe --always --dirty > $place/revision
  for test in parity curvature; do
    cargo test --no-run --test $test
    # Cargo names the binary; now there is nothing left to compile.
    cp "$(cargo test --no-run --test $test 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')" $place/$test
  done
  echo "target/on_a_gpu is ready: copy it with the repository"
}

# Prints a part of the report: its title, then the command's output, fenced if FENCE is set. Stops if the command fails.
part() {
  local title=$1 output status=0
  shift
  echo "--- $*" >&2
  output=$("$@" 2>&1) || status=$?
  printf '\n## %s\n\n`%s`\n\n' "$title" "$*"
  if [ -n "${FENCE:-}" ]; then printf '```\n%s\n```\n' "$output"; else printf '%s\n' "$output"; fi
  [ $status -eq 0 ] || { echo "failed: $*" >&2; printf '\nIt failed with exit code %s.\n' $status; exit 1; }
}

# Keeps the adapters and the results of a test's output, and its end where it fails.
tests() {
  local status=0
  CARGO_MANIFEST_DIR=$PWD TRAINABLE_REQUIRE_GPU=1 $place/$1 --nocapture > $place/$1.log 2>&1 || status=$?
  grep -E '^testing on|^test |NOTHING IS TESTED|NO SHADER RAN' $place/$1.log | awk '!seen[$0]++'
  [ $status -eq 0 ] || tail -n 60 $place/$1.log
  return $status
}

timed_preset() {
  local seconds=$SECONDS
  rm -rf "$place/$1"
  $place/trainable run --preset "$1" --backend "$backend" --progress quiet --out "$place/$1" || return
  echo "$((SECONDS - seconds)) s in all"
}

# JAX and PyTorch on the same network, a line each. By default JAX rounds the factors of products to TF32 on some GPUs.
peers() {
  local replicas
  for replicas in "$@"; do
    python3 benches/peers.py jax --replicas "$replicas" || true
    python3 benches/peers.py jax --replicas "$replicas" --precision default || true
  done
  python3 benches/peers.py torch || true
}

report() {
  local replicas=(1 2 8 16 64 256 1024) preset=diagnosis
  if [ "${1:-}" = --quick ]; then
    replicas=(1 2) preset=smoke
  fi
  echo "# On a GPU: $(date -u +%F), $(uname -srm), revision $(cat $place/revision)"
  FENCE=1 part "Adapters" $place/trainable info --backend "$backend"
  FENCE=1 part "Parity with the CPU" tests parity
  FENCE=1 part "Curvature and gradient noise against references" tests curvature
  part "Bench" $place/trainable bench --backend "$backend" "${replicas[@]/#/--replicas=}"
  FENCE=1 part "The preset $preset, end to end" timed_preset $preset
  FENCE=1 part "JAX and PyTorch, the same minutes" peers "${replicas[@]:0:5}"
}

case ${1:-} in
  pack) pack ;;
  run)
    shift
    [ -x $place/trainable ] || { echo "$place/trainable is missing: make it with benches/on_a_gpu.sh pack" >&2; exit 2; }
    # In a process of its own, so that a failure also leaves a report.
    status=0
    (report "$@") > $place/report.part || status=$?
    mv $place/report.part $place/report.md
    echo "$place/report.md"
    exit $status
    ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
