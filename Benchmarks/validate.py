#!/usr/bin/env python3
"""CPU and rate of a warm validation, beside nginx answering the same bytes to the same requests.

signet and nginx take turns on core 0, wrk has core 1. Method, and what the figures do not say: Benchmarks/README.md.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
RESULTS = HERE / "results"
PATH = "/api/v1/installer/validate"
SERVER_CORE, CLIENT_CORE = "0", "1"
PATIENCE = 30

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 10000;
    keepalive_timeout 60s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            default_type "{content_type}";
            return 200 '{body}';
        }}
    }}
}}
"""


class Contender:
    """A server under load: its name, address and processes."""

    def __init__(self, name, port, process):
        self.name, self.port, self.process = name, port, process
        self.rounds = []

    def processes(self):
        """The process and its children."""
        pids = [self.process.pid]
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            pids += [int(pid) for pid in (task / "children").read_text().split()]
        return pids

    def cpu_seconds(self):
        """User and system time of all threads so far."""
        ticks = 0
        for pid in self.processes():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def median(self, what):
        return statistics.median(getattr(each, what) for each in self.rounds)

    def spread(self, what):
        """Half the distance between the best and the worst round, as a part of the median."""
        values = [getattr(each, what) for each in self.rounds]
        return (max(values) - min(values)) / 2 / statistics.median(values)


class Round:
    def __init__(self, requests, seconds, cpu_seconds):
        self.requests = requests
        self.rate = requests / seconds
        self.cpu_us = cpu_seconds / requests * 1e6


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    sys.exit(f"bench: {process.args} did not answer on port {port}")


@contextlib.contextmanager
def pinned(command, port, **settings):
    """A process on the servers' core, ended afterward."""
    process = subprocess.Popen(["taskset", "--cpu-list", SERVER_CORE, *command], **settings)
    try:
        wait_for(port, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def places(folder):
    return ["--data", f"{folder}/data", "--keys", f"{folder}/Keys"]


def prepare(binary, folder):
    """A license of the guide's product; the body of its installation's request."""
    def run(*arguments):
        command = [binary, *arguments, *places(folder), "--json"]
        result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
        return json.loads(result.stdout)

    run("customer", "create", "--id", "123")
    run("product", "create", "whm-panel", "--type", "professional", "--features", "whm,billing,support")
    license = run("license", "generate", "--customer", "123", "--product", "whm-panel", "--expires", "+365 days")
    members = {"license_key": license["license_key"], "domain": "example.com", "ip_address": "192.168.1.100"}
    return json.dumps(members, separators=(",", ":"))


def ask(port, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", PATH, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200:
        sys.exit(f"bench: port {port} answered {response.status}: {answer[:300]}")
    return response, answer


def nginx_configuration(folder, port, content_type, answer):
    if b"$" in answer:
        sys.exit("bench: the answer holds a $, which nginx would expand")
    body = answer.decode().replace("\\", "\\\\").replace("'", "\\'")
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, port=port, content_type=content_type, body=body))
    return path


def load(contender, body, seconds, connections):
    """One round of wrk."""
    before = contender.cpu_seconds()
    command = [
        "taskset", "--cpu-list", CLIENT_CORE, "wrk", "--threads", "1", "--connections", str(connections),
        "--duration", f"{seconds}s", "--script", str(HERE / "validate.lua"), f"http://127.0.0.1:{contender.port}{PATH}",
    ]
    output = subprocess.run(
        command, env={**os.environ, "BENCH_BODY": body}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    after = contender.cpu_seconds()
    requests, microseconds, failed = (int(number) for number in output.rpartition("BENCH ")[2].split())
    if failed or not requests:
        sys.exit(f"bench: {contender.name}: {failed} of {requests} requests failed\n{output}")
    return Round(requests, microseconds / 1e6, after - before)


def report(contenders, size, options):
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    signet, nginx = contenders
    lines = [
        f"Warm validate, {datetime.date.today()}, {machine}",
        f"body of the answer {size} bytes, {options.connections} connections, "
        f"{options.rounds} rounds of {options.seconds} s each, medians ± half the range",
        "",
        "| server | CPU µs per request | requests per second |",
        "| --- | --- | --- |",
    ]
    for each in contenders:
        lines.append(
            f"| {each.name} | {each.median('cpu_us'):.2f} ± {each.spread('cpu_us'):.0%}"
            f" | {each.median('rate'):,.0f} ± {each.spread('rate'):.0%} |"
        )
    cpu, rate = (signet.median(what) / nginx.median(what) for what in ("cpu_us", "rate"))
    lines.append(f"| signet ÷ nginx | {cpu:.2f} | {rate:.2f} |")
    return "\n".join(lines) + "\n"


def measure(contenders, body, options):
    for contender in contenders:
        load(contender, body, 1, options.connections)
    for number in range(options.rounds):
        for contender in contenders:
            contender.rounds.append(load(contender, body, options.seconds, options.connections))
            last = contender.rounds[-1]
            print(f"round {number + 1}: {contender.name}: {last.cpu_us:.2f} µs, {last.rate:,.0f}/s", file=sys.stderr)


def bench(options, folder):
    body = prepare(options.binary, folder)
    port, nginx_port = free_port(), free_port()
    listen = ["--listen", f"127.0.0.1:{port}", "--listen-admin", "none"]
    serve = [options.binary, "serve", *listen, *places(folder)]
    with pinned(serve, port, cwd=folder, stderr=subprocess.DEVNULL) as signet:
        ask(port, body)
        response, answer = ask(port, body)
        if not json.loads(answer)["valid"]:
            sys.exit(f"bench: not a valid license: {answer}")
        configuration = nginx_configuration(folder, nginx_port, response.headers["Content-Type"], answer)
        nginx_binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx"
        with pinned([nginx_binary, "-p", str(folder), "-c", str(configuration)], nginx_port) as nginx:
            same, copy = ask(nginx_port, body)
            if copy != answer or same.headers["Content-Type"] != response.headers["Content-Type"]:
                sys.exit(f"bench: nginx answers something else: {same.headers.items()} {copy[:300]}")
            contenders = Contender("signet", port, signet), Contender("nginx", nginx_port, nginx)
            measure(contenders, body, options)
            return report(contenders, len(answer), options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each round of each server")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--binary", default=str(REPOSITORY / ".build" / "release" / "signet"))
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: needs two cores, one for the servers and one for wrk")
    with tempfile.TemporaryDirectory(prefix="signet-bench-") as folder:
        text = bench(options, pathlib.Path(folder))
    print(text)
    RESULTS.mkdir(exist_ok=True)
    moment = datetime.datetime.now().strftime("%Y-%m-%dT%H%M%S")
    (RESULTS / f"validate-{moment}.md").write_text(text)


if __name__ == "__main__":
    main()
