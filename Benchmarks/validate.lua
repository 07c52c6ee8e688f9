-- Posts one body again and again, for wrk. `BENCH_BODY` is the body.
-- The last line of the run is for validate.py: requests, seconds, errors.

wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Content-Type"] = "application/json"

function done(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("BENCH %d %d %d\n", summary.requests, summary.duration, failed))
end
