#!/bin/sh
# Prints the path of a rustc that builds for amd64 and arm64, for machines that reach Debian's
# packages and not rustup. Unpacks it once; installs nothing, because Debian's Rust packages exclude
# each other. The package lists must be up to date (apt-get update).
set -eu

if ! dpkg --print-foreign-architectures | grep -qx arm64; then
    dpkg --add-architecture arm64
    apt-get update -qq >&2
fi

# Prints the package of that name, without its version, on which another depends.
dependency() { # PACKAGE NAME
    apt-cache depends "$1" | sed -n "s/^ *Depends: \($2[0-9.]*\)\$/\1/p" | head -n 1
}

library=$(dependency libstd-rust-web-dev libstd-rust-web-)
llvm=$(dependency "$library" libllvm)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/oncue-toolchain/$library

if ! [ -x "$folder/rustc" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    apt-get download -qq -o APT::Sandbox::User=root rustc-web "$library" "$llvm" \
        libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64 >&2
    mkdir toolchain
    for package in *.deb; do
        dpkg -x "$package" toolchain
    done
    cat >toolchain/rustc <<'R'
#!/bin/sh
root=$(dirname "$0")
LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/usr/lib exec "$root/usr/bin/rustc" "$@"
R
    chmod +x toolchain/rustc
    toolchain/rustc --version >&2
    mkdir -p "$(dirname "$folder")"
    rm -rf "$folder"
    mv toolchain "$folder"
fi
echo "$folder/rustc"
