#!/bin/sh
# Loads the images of the tests' applications into the Docker engine. `registry` pulls them,
# `packages` builds them from Debian packages.
#   e2e/application-images.sh registry|packages
set -eu

busybox=busybox:1.36
curl=oncue-e2e/curl:1

from_registry() {
    docker pull --quiet $busybox
    docker pull --quiet curlimages/curl:8.10.1
    docker tag curlimages/curl:8.10.1 $curl
}

# A static busybox, with a link for every applet.
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

# The same, with curl and its libraries.
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
