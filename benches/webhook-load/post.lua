-- Posts one review repeatedly and counts answers other than 200.
local file = assert(io.open(os.getenv("REVIEW")))
wrk.method = "POST"
wrk.path = "/mutate?timeout=10s"
wrk.headers["Content-Type"] = "application/json"
wrk.body = file:read("*a")
file:close()

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    "FIGURES %d %.0f %.2f %.2f %d",
    summary.requests,
    summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
