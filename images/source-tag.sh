#!/bin/sh
# Prints a tag for the images: a hash of all sources that they are built from. Every crate counts,
# except those that only test.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
crates=$(find . -mindepth 2 -maxdepth 2 -name Cargo.toml ! -path './e2e/*' ! -path './fuzz/*' -exec dirname {} +)
find Cargo.lock Cargo.toml LICENSE images src $crates -type f \
    ! -path '*/tests/*' ! -name tests.rs |
    sort | tr '\n' '\0' | xargs -0 sha256sum | sha256sum | sed 's/\(.\{12\}\).*/src-\1/'
