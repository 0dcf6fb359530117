#!/bin/sh
# Measures the cost of a review: loads the webhook over TLS 1.3 with keep-alive HTTP/1.1.
#
# usage: benches/webhook-load.sh [PATH-OF-ONCUE]      (needs wrk)
#
# Server and load generator share the machine. wrk sends the next request when it has an answer, so
# the part "half rate" uses one connection to reach about half of the first part's rate.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
oncue=${1:-$here/../target/release/oncue}
seconds=${SECONDS_PER_PART:-10}
export REVIEW="$here/webhook-load/review.json"

folder=$(mktemp -d)
"$oncue" serve --data "$folder" --store memory --http 127.0.0.1:0 \
  --webhook 127.0.0.1:18443 --admin 127.0.0.1:0 >"$folder/out" 2>"$folder/err" &
server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
until grep -q admin "$folder/out"; do
  kill -0 $server || { cat "$folder/err"; exit 1; }
  sleep 0.1
done

ticks_per_second=$(getconf CLK_TCK)
cpu_ticks() { sed 's/.*) //' "/proc/$server/stat" | awk '{print $12 + $13}'; }
resident() { awk '/^VmRSS/ {printf "%.1f MiB", $2 / 1024}' "/proc/$server/status"; }

load() { # name, connections
  before=$(cpu_ticks)
  figures=$(wrk -t1 -c"$2" -d"${seconds}s" --latency -s "$here/webhook-load/post.lua" \
    https://127.0.0.1:18443 | sed -n 's/^FIGURES //p')
  after=$(cpu_ticks)
  echo "$figures" | awk -v name="$1" -v connections="$2" -v ticks=$((after - before)) \
    -v hz="$ticks_per_second" -v rss="$(resident)" '{
      printf "%-10s %4d connections: %6d reviews/s, p50 %.2f ms, p99 %.2f ms, ", \
        name, connections, $2, $3, $4
      printf "%.3f ms CPU per review, %s, %d errors\n", ticks * 1000 / hz / $1, rss, $5
    }'
}

echo "review     $(wc -c <"$REVIEW") bytes"
echo "idle       $(resident)"
load full 64
load "half rate" 1
load crowded 512
