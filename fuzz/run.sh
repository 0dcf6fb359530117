#!/usr/bin/env bash
# Runs every fuzz target for SECONDS (default 60), two at a time, on stable Rust. With 0, only builds
# them.
#
# usage: fuzz/run.sh [SECONDS] [TARGET ...]
#
# With a nightly toolchain, `cargo fuzz` works too. This script needs none: LLVM's own pass adds the
# coverage instrumentation, and the crate brings libFuzzer.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in fuzz/fuzz_targets/*.rs; do
        targets+=("$(basename "$file" .rs)")
    done
fi

triple=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
out=${CARGO_TARGET_DIR:-target}/fuzz
RUSTFLAGS=$(tr '\n' ' ' <<<"$coverage") CARGO_TARGET_DIR=$out \
    cargo build --quiet --locked --release --target "$triple" --manifest-path fuzz/Cargo.toml
[ "$seconds" != 0 ] || exit 0

fuzz() {
    local target=$1 corpus=$out/corpus/$1 log=$out/$1.log
    mkdir -p "$corpus"
    if [ -d "fuzz/seeds/$target" ]; then
        cp -n fuzz/seeds/"$target"/* "$corpus"/ 2>/dev/null || true
    fi
    if "$out/$triple/release/$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
        -artifact_prefix="$out/$target-" "$corpus" >"$log" 2>&1; then
        printf '%-10s %s\n' "$target" "$(grep -E '^Done ' "$log" || tail -n 1 "$log")"
    else
        tail -n 40 "$log"
        printf '%-10s failed: the input is in %s-*\n' "$target" "$out/$target"
        return 1
    fi
}

failed=0
running=()
for target in "${targets[@]}"; do
    fuzz "$target" &
    running+=($!)
    if [ ${#running[@]} -eq 2 ]; then
        for pid in "${running[@]}"; do wait "$pid" || failed=1; done
        running=()
    fi
done
for pid in "${running[@]}"; do wait "$pid" || failed=1; done
exit $failed
