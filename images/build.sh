#!/usr/bin/env bash
# Builds both images, each from one static binary, for one or more architectures. Prints their size
# and fails if one is over its budget. See --help. CARGO can name another cargo.
set -euo pipefail
cd "$(dirname "$0")/.."
. images/platform.sh

repository=ghcr.io/oncue-dev
declare -A budget=([oncue]=10000000 [oncue-client]=1500000) # bytes, compressed
cargo=${CARGO:-cargo}

usage() {
    cat <<'U'
usage: images/build.sh [--tag TAG] [--engine docker|podman|buildah] [--arch ARCH[,ARCH]] [--save DIR]
  --tag TAG      tag of the images (default: the version in Cargo.toml)
  --engine NAME  engine that builds them (default: the first of docker, podman and buildah that works)
  --arch LIST    amd64, arm64 or both (default: this machine's). Both make one index of each image,
                 which needs podman or buildah
  --save DIR     also saves each index as an OCI archive, DIR/NAME.tar
environment: CARGO, RUSTC, CARGO_TARGET_DIR, SOURCE_DATE_EPOCH (default: the time of the last commit)
U
}

die() {
    echo "images/build.sh: $*" >&2
    exit 1
}

works() {
    case $1 in
    docker) timeout 20 docker version >/dev/null 2>&1 ;;
    podman | buildah) command -v "$1" >/dev/null ;;
    *) die "unknown engine '$1': use docker, podman or buildah" ;;
    esac
}

find_engine() {
    local name
    for name in docker podman buildah; do
        if works $name; then
            echo $name
            return
        fi
    done
    if command -v docker >/dev/null; then
        die "docker is installed, but its engine does not answer: start it (systemctl start docker, or" \
            "e2e/kindbox/kindbox engine), or install podman or buildah"
    fi
    die "docker, podman and buildah are not installed: apt-get install buildah, or see" \
        "https://docs.docker.com/engine/install/"
}

build_binaries() { # ARCHITECTURE
    CARGO=$cargo client/build-static.sh "$1"
    # Merges equal functions and packs relocations, as for the client.
    RUSTFLAGS="-C target-feature=+crt-static$(link_flags --icf=all -z,pack-relative-relocs)" \
        $cargo build --quiet --locked --release --target "$target" --bin oncue
}

# Each image is built in a folder of its own, so that it holds only the files listed here.
context() { # NAME BINARY
    mkdir -p "$work/$1"
    install -m 755 "$2" "$work/$1/$1"
    install -m 644 LICENSE "images/$1.Containerfile" "$work/$1"
    touch -d "@$SOURCE_DATE_EPOCH" "$work/$1"/*
}

build_image() { # NAME IMAGE
    local args=(--file "$work/$1/$1.Containerfile" --tag "$2" --platform "linux/$architecture"
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision")
    case $engine in
    docker) args+=(--build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH") ;;
    podman | buildah) args+=(--timestamp "$SOURCE_DATE_EPOCH") ;;
    esac
    # Engines print deprecation notes on every run. Their output is shown only after a failure.
    "$engine" build "${args[@]}" "$work/$1" >"$work/$1.log" 2>&1 || {
        cat "$work/$1.log" >&2
        die "$engine failed to build $2"
    }
}

save() { # IMAGE FILE
    case $engine in
    docker | podman) $engine save --output "$2" "$1" ;;
    buildah) buildah push --quiet "$1" "docker-archive:$2" ;;
    esac
}

# Measures the size that a registry stores: gzip at its default level.
measure() { # NAME IMAGE
    local raw compressed
    rm -f "$work/$1.tar"
    save "$2" "$work/$1.tar"
    raw=$(stat -c %s "$work/$1.tar")
    compressed=$(gzip -c "$work/$1.tar" | wc -c)
    printf '%s: %d bytes, %d compressed, of at most %d\n' "$2" "$raw" "$compressed" "${budget[$1]}"
    [ "$compressed" -le "${budget[$1]}" ] || die "$1 is over its budget"
}

# Builds and measures both images for one architecture.
build() { # ARCHITECTURE TAG
    platform "$1"
    local out=${CARGO_TARGET_DIR:-target}/$target name
    build_binaries "$1"
    context oncue "$out/release/oncue"
    context oncue-client "$out/client/oncue-client-static"
    for name in oncue-client oncue; do
        build_image $name "$repository/$name:$2"
        measure $name "$repository/$name:$2"
    done
}

# Joins the images of all architectures, so that each node pulls its own under one name.
join() { # NAME
    local index=$repository/$1:$tag name
    $engine manifest rm "$index" >/dev/null 2>&1 || true
    $engine manifest create "$index" >/dev/null
    for name in "${architectures[@]}"; do
        $engine manifest add "$index" "containers-storage:$index-$name" >/dev/null
    done
    echo "$index: an index of ${architectures[*]}"
    [ -z "$save" ] || $engine manifest push --quiet --all "$index" "oci-archive:$save/$1.tar:$tag"
}

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
tag=$version engine= save=
architectures=()
while [ $# != 0 ]; do
    [ "$1" = --help ] && usage && exit
    [ -n "${2:-}" ] || { usage >&2 && exit 2; }
    case $1 in
    --tag) tag=$2 ;;
    --engine) engine=$2 ;;
    --arch) IFS=, read -r -a architectures <<<"$2" ;;
    --save) save=$2 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift 2
done

if [ -z "$engine" ]; then
    engine=$(find_engine)
else
    works "$engine" || die "$engine does not work: check that it is installed and that its engine runs"
fi
if [ ${#architectures[@]} -le 1 ]; then
    [ -z "$save" ] || die "--save needs several architectures"
elif [ "$engine" = docker ]; then
    die "docker keeps no index without a registry: use --engine podman or buildah"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ ${#architectures[@]} -le 1 ]; then
    build "${architectures[0]:-}" "$tag"
else
    for name in "${architectures[@]}"; do
        build "$name" "$tag-$name"
    done
    [ -z "$save" ] || mkdir -p "$save"
    join oncue
    join oncue-client
fi
