#!/bin/sh
# Builds the static client, checks its size and that it has no getaddrinfo, and prints its path and
# size. CARGO can name another cargo.
#   client/build-static.sh [amd64|arm64]    (default: this machine's architecture)
set -eu

limit=2500000
cargo=${CARGO:-cargo}
cd "$(dirname "$0")/.."
. images/platform.sh
platform "${1:-}"

# Keeps the symbols for the check below and strips them from the final copy. --target keeps these
# flags away from build scripts.
export CARGO_PROFILE_CLIENT_STRIP=none
export RUSTFLAGS="-C target-feature=+crt-static$(link_flags --icf=all -z,pack-relative-relocs \
    --no-eh-frame-hdr -T,client/no-unwind-tables.ld)"
$cargo build --quiet --locked --profile client --target $target -p oncue-client

built=${CARGO_TARGET_DIR:-target}/$target/client/oncue-client
if nm "$built" | grep getaddrinfo; then
    echo "the client must not resolve names with libc: pass only addresses to std::net" >&2
    exit 1
fi

$strip -o "$built-static" "$built"
size=$(stat -c %s "$built-static")
echo "$built-static: $size bytes of at most $limit, no getaddrinfo"
[ "$size" -le $limit ]
