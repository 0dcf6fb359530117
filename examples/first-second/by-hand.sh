#!/bin/sh
# Makes the HTTP calls of the two pods by hand. ONCUE_SERVER is the store (default http://127.0.0.1:9999).
set -eu
URL="${ONCUE_SERVER:-http://127.0.0.1:9999}"

status() {
    curl -s -o /dev/null -w '%{http_code}\n' "$@"
}

echo "second asks for first/container (404: does not exist yet)"
status "$URL/?variable=first/container"

echo "first signals first/container (201: created, 200: already there)"
status -d '{"variable":"first/container"}' "$URL/"

echo "second asks again (200: exists)"
status "$URL/?variable=first/container"
curl -f "$URL/?variable=first/container"

echo "second signals second/dependent, with wget"
wget -q -O - --post-data '{"variable":"second/dependent"}' "$URL/"
wget -q -O - "$URL/?variable=second/dependent"

echo "all variables"
curl -f "$URL/v1/namespaces/default/variables"
echo
