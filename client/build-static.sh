#!/bin/sh
# Builds the static client, checks that it is small and looks names up by itself, and prints its
# path and size. CARGO may name another cargo.
set -eu

target=x86_64-unknown-linux-gnu
limit=2500000
cargo=${CARGO:-cargo}
cd "$(dirname "$0")/.."

link() { printf ' -C link-arg=-Wl,%s' "$@"; }

# The symbols stay for the check below, and go from the copy that is kept. With --target, build
# scripts are not linked with these flags.
export CARGO_PROFILE_CLIENT_STRIP=none
export RUSTFLAGS="-C target-feature=+crt-static$(link --icf=all -z,pack-relative-relocs \
    --no-eh-frame-hdr -T,client/no-unwind-tables.ld)"
$cargo build --quiet --locked --profile client --target $target -p oncue-client

built=${CARGO_TARGET_DIR:-target}/$target/client/oncue-client
if nm "$built" | grep getaddrinfo; then
    echo "the client must not look names up by libc: give std::net addresses only" >&2
    exit 1
fi

strip -o "$built-static" "$built"
size=$(stat -c %s "$built-static")
echo "$built-static: $size bytes of at most $limit, no getaddrinfo, $("$built-static" --version)"
[ "$size" -le $limit ]
