#!/bin/sh
# Puts the images that the tests' applications run into the Docker engine: pulled, or made from
# what Debian brings, which needs no image registry.
#   e2e/application-images.sh registry|packages
set -eu

busybox=busybox:1.36
curl=oncue-e2e/curl:1

from_registry() {
    docker pull --quiet $busybox
    docker pull --quiet curlimages/curl:8.10.1
    docker tag curlimages/curl:8.10.1 $curl
}

# A static busybox under every name it knows.
make_busybox() {
    if ! command -v busybox >/dev/null; then
        apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
    fi
    mkdir -p busybox/bin busybox/etc
    mkdir -m 1777 busybox/tmp
    cp "$(command -v busybox)" busybox/bin/busybox
    for applet in $(busybox --list); do
        [ "$applet" = busybox ] || ln -s busybox "busybox/bin/$applet"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' >busybox/etc/passwd
    tar -C busybox -c . | docker import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - $busybox
}

# The same with curl and the libraries it is linked with.
make_curl() {
    if ! command -v curl >/dev/null; then
        apt-get install -y -qq --no-install-recommends curl >/dev/null
    fi
    program=$(command -v curl)
    cp -a busybox curl
    cp "$program" curl/bin/curl
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do
        mkdir -p "curl$(dirname "$library")"
        cp -L "$library" "curl$library"
    done
    tar -C curl -c . | docker import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - $curl
}

case ${1:-} in
registry) from_registry ;;
packages)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    make_busybox
    make_curl
    ;;
*) echo "usage: e2e/application-images.sh registry|packages" >&2 && exit 2 ;;
esac
docker tag $busybox busybox:latest
