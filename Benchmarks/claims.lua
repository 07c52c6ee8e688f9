-- Posts the first validation of one new domain after another, for wrk. `BENCH_KEYS` are the licenses' keys, separated
-- by spaces, and `BENCH_RUN` makes the domains of each run new.
-- The last line of the run is for Scale/claims.py: requests, microseconds, errors, median and 99th percentile in
-- microseconds.

local run, keys, count = os.getenv("BENCH_RUN"), {}, 0
for key in os.getenv("BENCH_KEYS"):gmatch("%S+") do
    keys[#keys + 1] = key
end

function request()
    count = count + 1
    local body = string.format(
        '{"license_key":"%s","domain":"host-%s-%d.example.org","ip":"203.0.113.7"}',
        keys[math.random(#keys)], run, count)
    return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("BENCH %d %d %d %d %d\n", summary.requests, summary.duration, failed,
        latency:percentile(50), latency:percentile(99)))
end
