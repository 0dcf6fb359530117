# shellcheck shell=sh
# Sourced by the scripts that build.
# `platform ARCHITECTURE` sets `architecture` (amd64 or arm64; default: this machine's), `target` and
# `strip`, and what cargo needs to build for another machine.
# `link_flags FLAG...` prints flags for lld, which links for amd64; the other linker knows none of them.

platform() {
    case $(uname -m) in
    x86_64) here=amd64 ;;
    aarch64 | arm64) here=arm64 ;;
    *) here=$(uname -m) ;;
    esac
    architecture=${1:-$here}
    case $architecture in
    amd64) cpu=x86_64 ;;
    arm64) cpu=aarch64 ;;
    *)
        echo "images are built for amd64 and arm64, not for $architecture" >&2
        exit 2
        ;;
    esac
    target=$cpu-unknown-linux-gnu strip=strip
    [ "$architecture" = "$here" ] || cross
}

# Names the C compiler of the other machine, which also links.
cross() {
    compiler=$cpu-linux-gnu-gcc
    strip=$cpu-linux-gnu-strip
    if ! command -v $compiler >/dev/null; then
        echo "$compiler is not installed: apt-get install gcc-$(echo $cpu | tr _ -)-linux-gnu libc6-dev-$architecture-cross" >&2
        exit 1
    fi
    if ! "${RUSTC:-rustc}" --print target-libdir --target $target | xargs test -d; then
        echo "this Rust cannot build for $target: \`rustup target add $target\`, or, on Debian" \
            "without access to rustup, set RUSTC to what images/debian-toolchain.sh prints" >&2
        exit 1
    fi
    variable=$(echo $target | tr a-z- A-Z_)
    export "CARGO_TARGET_${variable}_LINKER=$compiler" "CC_$(echo $target | tr - _)=$compiler"
}

link_flags() {
    [ "$cpu" = x86_64 ] || return 0
    printf ' -C link-arg=-Wl,%s' "$@"
}
