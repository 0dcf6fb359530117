#!/bin/sh
# Prints a tag for the images: a hash of all sources that they are built from.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
find Cargo.lock Cargo.toml LICENSE client core images language manifests src webhook-certs -type f \
    ! -path '*/tests/*' ! -name tests.rs |
    sort | tr '\n' '\0' | xargs -0 sha256sum | sha256sum | sed 's/\(.\{12\}\).*/src-\1/'
