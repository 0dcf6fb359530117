#!/bin/sh
# Runs the static client as PID 1 in an empty, read-only root under any uid. Skips the test without
# root. CARGO can name another cargo.
set -eu

cargo=${CARGO:-cargo}
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ] || ! unshare --mount --pid --fork true 2>/dev/null; then
    echo "skipped: needs root to create an empty root directory"
    exit 0
fi

client/build-static.sh
directory=${CARGO_TARGET_DIR:-$PWD/target}
ONCUE_STATIC_CLIENT=$directory/x86_64-unknown-linux-gnu/client/oncue-client-static \
    $cargo test --quiet --locked -p oncue-client --test program -- --ignored empty_root
