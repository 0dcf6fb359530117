#!/usr/bin/env bash
# Builds both programs for arm64, and runs them under qemu: the client against a store of this
# machine, then a store for arm64. Needs what images/platform.sh says, and qemu-user-static.
#   images/arm64-test.sh ONCUE    (the program of this machine)
set -euo pipefail
cd "$(dirname "$0")/.."
. images/platform.sh
oncue=$1
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

platform arm64
client/build-static.sh arm64
# Not optimised: the images' profile takes many times as long.
CARGO_PROFILE_DEV_DEBUG=false RUSTFLAGS='-C target-feature=+crt-static' \
    ${CARGO:-cargo} build --quiet --locked --target "$target" --bin oncue
out=${CARGO_TARGET_DIR:-target}/$target

arm64() { qemu-aarch64-static "$@"; }
client() { arm64 "$out/client/oncue-client-static" "$@"; }

# Starts a store, and sets ONCUE_SERVER to its address once it answers.
serve() { # COMMAND...
    local log=$work/log
    "$@" serve --roles store --store memory --http 127.0.0.1:0 --admin 127.0.0.1:0 >"$log" 2>&1 &
    for _ in $(seq 100); do
        ONCUE_SERVER=$(sed -n 's/^store *\(http:[^ ]*\).*/\1/p' "$log")
        [ -n "$ONCUE_SERVER" ] && break
        sleep 0.1
    done
    [ -n "$ONCUE_SERVER" ] || { cat "$log" && exit 1; }
    export ONCUE_SERVER
}

# A client finds nothing, waits, and is released by another one.
exercise() {
    ! client exists first/container || exit 1
    client wait first/container &
    local waiter=$!
    client create first/container
    wait $waiter
    client exists first/container
}

serve "$oncue"
exercise
echo "the client for arm64 works with a store of this machine"
# It starts no children here: a kernel without binfmt_misc could not run them.
arm64 "$out/debug/oncue" check -f examples/first-second
serve arm64 "$out/debug/oncue"
exercise
echo "the store for arm64 works with the client for arm64"
