#!/bin/sh
# What the two pods do, by hand, against the store at ONCUE_SERVER (default http://127.0.0.1:9999).
set -eu
URL="${ONCUE_SERVER:-http://127.0.0.1:9999}"

status() {
    curl -s -o /dev/null -w '%{http_code}\n' "$@"
}

echo "second asks for first/container (404 until it exists)"
status "$URL/?variable=first/container"

echo "first signals (201 created, 200 already there)"
status -d '{"variable":"first/container"}' "$URL/"

echo "second asks again (200)"
status "$URL/?variable=first/container"
curl -f "$URL/?variable=first/container"

echo "second signals in its turn, as busybox does"
wget -q -O - --post-data '{"variable":"second/dependent"}' "$URL/"
wget -q -O - "$URL/?variable=second/dependent"

echo "what is there now"
curl -f "$URL/v1/namespaces/default/variables"
echo
