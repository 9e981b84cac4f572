#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tlstrace costs: handshakes per second and bulk throughput with and without it, and the
kernel's own account of each of its programs. Needs root; takes at most a minute and a half.

Timings swing from run to run, so only ratios within one run mean anything: the two arms alternate,
and which goes first alternates too, so that a drift of the machine hits both alike.

Everything happens in two network namespaces of its own. In the first are nginx, its client and
tlstrace, which so sees a loopback and one end of a veth pair; in the second is iperf3's server.

--tlstrace none compares nothing with nothing: how far the ratios stray then is the noise of this
machine, and smaller differences say nothing.
"""

import argparse
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PREFIX = "tlsbench"
NEAR, FAR = "192.0.2.1", "192.0.2.2"  # RFC 5737
TLS_PORT, BULK_PORT = 4433, 5201
VERSIONS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
TOOLS = ("clang", "bpftool", "nginx", "openssl", "iperf3", "ip", "tc", "nsenter", "setpriv")
STATS = "/proc/sys/kernel/bpf_stats_enabled"
# Many short runs: the time of a program swings more from run to run than within one.
BULK_ROUNDS, HANDSHAKE_ROUNDS = 8, 3
BULK_SHORT = "400M"
PROGRAM_SECONDS = 22  # what these rounds take, about
LIMIT = 88  # seconds, the promise being 90

NGINX = """
daemon off;
worker_processes 2;
pid {dir}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {dir}/cert.pem;
		ssl_certificate_key {dir}/key.pem;
	}}
}}
"""

# What any program at this hook costs, the clock reads of the statistics included. One for each
# direction, since the cold caches that a program finds differ between them.
EMPTY = """
struct __sk_buff;
__attribute__((section("ingress"), used)) int empty_ingress(struct __sk_buff *skb) { return -1; }
__attribute__((section("egress"), used)) int empty_egress(struct __sk_buff *skb) { return -1; }
char LICENSE[] __attribute__((section("license"), used)) = "Dual BSD/GPL";
"""


class BenchError(Exception):
    """One sentence that says why the measurement cannot be made."""


def run(*command, timeout=15):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        complaint = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise BenchError(f"`{' '.join(command)}` failed: {complaint}")
    return done.stdout


def wait_until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"{what} did not happen within {seconds} s.")
        time.sleep(0.01)


def stop_process(process, number=signal.SIGTERM):
    """With its whole group, so that nginx's workers go too; returns whether it obeyed."""
    obeyed = True
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            obeyed = False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return obeyed


def remove_leftovers():
    """Of runs that were killed: the name holds the process that made it."""
    folders = tempfile.gettempdir()
    for path in glob.glob(f"/run/netns/{PREFIX}-*-*") + glob.glob(f"{folders}/{PREFIX}-*-*"):
        owner = os.path.basename(path).split("-")[1]
        if not owner.isdigit() or os.path.exists(f"/proc/{owner}"):
            continue
        if path.startswith("/run/netns/"):
            run("ip", "netns", "del", os.path.basename(path))
        else:
            shutil.rmtree(path, ignore_errors=True)


class Lab:
    """The namespaces, the servers in them, and one measurement each of the two loads."""

    def __init__(self, stack):
        self.stack = stack
        self.near = f"{PREFIX}-{os.getpid()}-near"
        self.far = f"{PREFIX}-{os.getpid()}-far"
        self.dir = stack.enter_context(
            tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-"))
        self.make_namespaces()
        self.compile_empty()
        self.start_nginx()
        self.start_iperf()

    def inside(self, namespace, *command):
        """nsenter and not `ip netns exec`, which would hide /sys/fs/bpf and tracefs. Should this
        process be killed, its children are told to end too."""
        return ("setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{namespace}",
                *command)

    def start(self, namespace, *command, log):
        """What it says goes to the files log and log.errors."""
        path = os.path.join(self.dir, log)
        with open(path, "wb") as out, open(f"{path}.errors", "wb") as errors:
            return subprocess.Popen(self.inside(namespace, *command), stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=errors, start_new_session=True)

    def read(self, log):
        with open(os.path.join(self.dir, log), encoding="utf-8", errors="replace") as text:
            return text.read()

    def make_namespaces(self):
        for name in (self.near, self.far):
            run("ip", "netns", "add", name)
            self.stack.callback(run, "ip", "netns", "del", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "near", "netns", self.near, "type", "veth",
            "peer", "name", "far", "netns", self.far)
        for name, device, address in ((self.near, "near", NEAR), (self.far, "far", FAR)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        # Each connection leaves a port in TIME_WAIT: the default range would run out.
        run(*self.inside(self.near, "sh", "-c",
                         "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range"))

    def compile_empty(self):
        with open(f"{self.dir}/empty.c", "w", encoding="ascii") as source:
            source.write(EMPTY)
        run("clang", "-O2", "-g", "-target", "bpf", "-c", f"{self.dir}/empty.c",
            "-o", f"{self.dir}/empty.o")

    def start_nginx(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "1", "-subj", "/CN=bench.example",
            "-keyout", f"{self.dir}/key.pem", "-out", f"{self.dir}/cert.pem")
        with open(f"{self.dir}/nginx.conf", "w", encoding="ascii") as config:
            config.write(NGINX.format(dir=self.dir, port=TLS_PORT))
        process = self.start(self.near, "nginx", "-e", "stderr", "-c", f"{self.dir}/nginx.conf",
                             log="nginx")
        self.stack.callback(stop_process, process)
        for version, option in VERSIONS.items():
            wait_until(lambda chosen=option: self.server_answers(process, chosen),
                       f"A {version} handshake with nginx")

    def server_answers(self, process, option):
        if process.poll() is not None:
            raise BenchError(f"nginx ended at once: {self.read('nginx.errors').strip()}")
        command = self.inside(self.near, "openssl", "s_client", option,
                              "-connect", f"127.0.0.1:{TLS_PORT}")
        return not subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=10, check=False).returncode

    def start_iperf(self):
        process = self.start(self.far, "iperf3", "-s", "-B", FAR, "-p", str(BULK_PORT),
                             "--forceflush", log="iperf")
        self.stack.callback(stop_process, process)
        wait_until(lambda: "Server listening" in self.read("iperf"), "iperf3's start")

    def count_handshakes(self, version, seconds):
        """(number, wall seconds). s_time works in whole seconds of the clock and counts the last
        one too: started behind a full second, `-time 1` runs for almost two. Its own figures are
        rounded, or of its processor time only, so the time is taken here."""
        begin = time.monotonic()
        out = run(*self.inside(self.near, "openssl", "s_time", "-new", VERSIONS[version],
                               "-time", str(seconds), "-connect", f"127.0.0.1:{TLS_PORT}"))
        elapsed = time.monotonic() - begin
        match = re.search(r"(\d+) connections in \d+ real seconds", out)
        if not match:
            raise BenchError("`openssl s_time` did not say how many connections it made.")
        return int(match[1]), elapsed

    def handshake_rate(self, version):
        number, elapsed = self.count_handshakes(version, 1)
        return number / elapsed

    def throughput(self, *amount):
        """Bits per second as received, sent from the namespace that is traced."""
        out = run(*self.inside(self.near, "iperf3", "-c", FAR, "-p", str(BULK_PORT), *amount,
                               "-J"))
        return json.loads(out)["end"]["sum_received"]["bits_per_second"]


class Tracer:
    """tlstrace while it is attached; nothing at all if there is none."""

    def __init__(self, lab, binary):
        self.lab, self.binary, self.process = lab, binary, None
        self.end = None

    def __enter__(self):
        if self.binary:
            begin = time.monotonic()
            self.process = self.lab.start(self.lab.near, self.binary, "-o", "json", log="rows")
            try:
                wait_until(self.is_tracing, "tlstrace's start line")
            except BaseException:
                stop_process(self.process)
                raise
            self.start_seconds = time.monotonic() - begin
        return self

    def is_tracing(self):
        if self.process.poll() is not None:
            raise BenchError("tlstrace ended before its start line: "
                             f"{self.lab.read('rows.errors').strip() or 'no message'}")
        return self.lab.read("rows").startswith('{"type":"start"')

    def __exit__(self, kind, _value, _trace):
        if not self.process:
            return
        obeyed = stop_process(self.process, signal.SIGINT)
        if kind:
            return
        if not obeyed:
            raise BenchError("tlstrace did not end within 5 s of SIGINT.")
        if self.process.returncode:
            raise BenchError(f"tlstrace ended with status {self.process.returncode}.")
        self.end = json.loads(self.lab.read("rows").splitlines()[-1])

    def processor_seconds(self):
        if not self.process:
            return 0
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        # proc(5): utime and stime are fields 14 and 15, and comm, the second, is cut off here.
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def program_ids(self):
        """From its descriptors: bpftool knows the owners only if it was built with BTF at hand."""
        ids = set()
        for path in glob.glob(f"/proc/{self.process.pid}/fdinfo/*"):
            with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as info:
                ids |= {int(number) for number in re.findall(r"^prog_id:\s*(\d+)", info.read(),
                                                            re.MULTILINE)}
        return ids


class EmptyPrograms:
    """The programs that do nothing, while they are attached where tlstrace would be."""

    HOOKS = [(device, hook) for device in ("lo", "near") for hook in ("ingress", "egress")]

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        self.before = set(read_programs())
        for device in ("lo", "near"):
            run("tc", "-n", self.lab.near, "qdisc", "add", "dev", device, "clsact")
        for device, hook in self.HOOKS:
            run("tc", "-n", self.lab.near, "filter", "add", "dev", device, hook, "prio", "49151",
                "handle", "0x7e57", "bpf", "direct-action", "object-file",
                f"{self.lab.dir}/empty.o", "section", hook)
        return self

    def __exit__(self, kind, _value, _trace):
        for device in ("lo", "near"):
            run("tc", "-n", self.lab.near, "qdisc", "del", "dev", device, "clsact")

    def processor_seconds(self):
        return 0

    def program_ids(self):
        programs = read_programs()
        return {number for number in programs.keys() - self.before
                if programs[number]["name"].startswith("empty_")}


def read_programs():
    return {row["id"]: {"name": row.get("name", str(row["id"])), "runs": row.get("run_cnt", 0),
                        "ns": row.get("run_time_ns", 0)}
            for row in json.loads(run("bpftool", "-j", "prog", "show"))}


def add_costs(costs, ids, before, after):
    """One row of runs and nanoseconds for each program name: interfaces may have their own copy."""
    rows = {}
    for number in ids & before.keys() & after.keys():
        row = rows.setdefault(after[number]["name"], {"runs": 0, "ns": 0})
        for key in row:
            row[key] += after[number][key] - before[number][key]
    for name, row in rows.items():
        if row["runs"]:
            costs.setdefault(name, []).append(row)


@contextlib.contextmanager
def statistics_enabled():
    with open(STATS, encoding="ascii") as file:
        previous = file.read()
    try:
        write_statistics("1")
        yield
    finally:
        write_statistics(previous)


def write_statistics(value):
    with open(STATS, "w", encoding="ascii") as file:
        file.write(value)


def measure_arm(lab, binary, results, arm):
    with Tracer(lab, binary) as tracer:
        for version in VERSIONS:
            results["handshakes"][version][arm].append(lab.handshake_rate(version))
        results["throughput"][arm].append(lab.throughput("-t", "2"))
    if tracer.end:
        results["lost"].append(tracer.end["lost"])
        results["start_seconds"].append(tracer.start_seconds)


def measure_bulk(lab, owner, costs):
    before = read_programs()
    lab.throughput("-n", BULK_SHORT)
    add_costs(costs, owner.program_ids(), before, read_programs())


def measure_handshakes(lab, owner, costs, traced):
    before, spent = read_programs(), owner.processor_seconds()
    number, _ = lab.count_handshakes("TLSv1.3", 1)
    add_costs(costs, owner.program_ids(), before, read_programs())
    if isinstance(owner, Tracer):
        traced["handshakes"] += number
        traced["processor_seconds"] += owner.processor_seconds() - spent


def in_turn(number, arms):
    return arms if number % 2 == 0 else arms[::-1]


def nanoseconds(rows):
    return [row["ns"] / row["runs"] for row in rows]


def net_cost(name, each, empty):
    """Only of TC programs: at the sockets' hooks an empty TC program is no measure."""
    match = re.match(r"tc_(ingress|egress)", name)
    base = empty.get(f"empty_{match[1]}") if match else None
    return each - statistics.median(nanoseconds(base)) if base else None


def summarize_programs(costs, empty):
    summary = []
    for name, rows in sorted(costs.items()):
        times = nanoseconds(rows)
        each = statistics.median(times)
        summary.append({"name": name, "runs": sum(row["runs"] for row in rows),
                        "ns_per_run": each, "ns_per_run_range": [min(times), max(times)],
                        "net_ns_per_run": net_cost(name, each, empty)})
    return summary


def summarize_pair(pair):
    """The ratio is the median of the rounds' ratios: neighbours in time are compared."""
    ratios = [with_it / without for with_it, without in zip(pair["with"], pair["without"])]
    return {**pair, "median_without": statistics.median(pair["without"]),
            "median_with": statistics.median(pair["with"]),
            "ratio": statistics.median(ratios), "ratio_range": [min(ratios), max(ratios)]}


def measure_ratios(lab, options, results, begin):
    longest = 0
    for number in range(options.rounds):
        round_begin = time.monotonic()
        # What is left belongs to the programs' costs, and to cleaning up.
        if number and round_begin - begin + longest > LIMIT - PROGRAM_SECONDS:
            break
        for arm in in_turn(number, ["without", "with"]):
            measure_arm(lab, options.tlstrace if arm == "with" else None, results, arm)
        longest = max(longest, time.monotonic() - round_begin)
        results["rounds"] += 1


def measure_costs(lab, options, results, begin):
    costs = {"bulk": {}, "handshakes": {}}
    bases = {"bulk": {}, "handshakes": {}}
    arms = [(lambda: EmptyPrograms(lab), bases)]
    if options.tlstrace:
        arms.append((lambda: Tracer(lab, options.tlstrace), costs))
    with statistics_enabled():
        for number in range(BULK_ROUNDS):
            if number and time.monotonic() - begin > LIMIT - 6:
                break
            for attach, account in in_turn(number, arms):
                with attach() as owner:
                    measure_bulk(lab, owner, account["bulk"])
                    if number < HANDSHAKE_ROUNDS:
                        measure_handshakes(lab, owner, account["handshakes"], results["traced"])
                if isinstance(owner, Tracer):
                    results["lost"].append(owner.end["lost"])
    return {load: summarize_programs({**bases[load], **costs[load]}, bases[load])
            for load in costs}


def sum_losses(losses):
    total = {}
    for loss in losses:
        for key, number in loss.items():
            total[key] = total.get(key, 0) + number
    return total


def measure(lab, options, begin):
    results = {
        "rounds": 0,
        "handshakes": {version: {"without": [], "with": []} for version in VERSIONS},
        "throughput": {"without": [], "with": []},
        "traced": {"handshakes": 0, "processor_seconds": 0},
        "lost": [],
        "start_seconds": [],
    }
    measure_ratios(lab, options, results, begin)
    programs = measure_costs(lab, options, results, begin)
    starts = results["start_seconds"]
    return {
        "schema": 1,
        "kernel": os.uname().release,
        "tlstrace": options.tlstrace,
        "rounds": results["rounds"],
        "seconds": time.monotonic() - begin,
        "handshakes_per_second": {version: summarize_pair(pair)
                                  for version, pair in results["handshakes"].items()},
        "bits_per_second": summarize_pair(results["throughput"]),
        "programs": programs,
        "traced": results["traced"],
        "start_seconds": statistics.median(starts) if starts else None,
        "lost": sum_losses(results["lost"]),
    }


def print_pair(title, pair, unit, divisor):
    low, high = pair["ratio_range"]
    print(f"{title:<22} {pair['median_without'] / divisor:>10.1f} "
          f"{pair['median_with'] / divisor:>10.1f} {unit:<7} {pair['ratio']:>6.3f}   "
          f"{low:.3f} to {high:.3f}")


def print_programs(load, rows):
    for row in rows:
        net, (low, high) = row["net_ns_per_run"], row["ns_per_run_range"]
        print(f"{load:<10} {row['name']:<26} {row['runs']:>9} {row['ns_per_run']:>9.1f} "
              f"{'-' if net is None else format(net, '.1f'):>9}   {low:.1f} to {high:.1f}")


def print_report(report):
    print(f"tlstrace {report['tlstrace'] or '(none: noise of this machine)'}, kernel "
          f"{report['kernel']}, {report['rounds']} rounds, {report['seconds']:.0f} s\n")
    print(f"{'median':<22} {'without':>10} {'with':>10} {'':<7} {'ratio':>6}   rounds")
    for version, pair in report["handshakes_per_second"].items():
        print_pair(f"{version} handshakes", pair, "/s", 1)
    print_pair("TCP over veth", report["bits_per_second"], "Gbit/s", 1e9)
    print(f"\n{'load':<10} {'program':<26} {'runs':>9} {'ns/run':>9} {'net':>9}   rounds")
    for load, rows in report["programs"].items():
        print_programs(load, rows)
    traced = report["traced"]
    if traced["handshakes"]:
        each = traced["processor_seconds"] / traced["handshakes"] * 1e6
        print(f"\n{each:.0f} us of tlstrace's processor time a handshake, "
              f"{report['start_seconds'] * 1000:.0f} ms to attach, lost "
              f"{json.dumps(report['lost'])}")


def parse_options():
    parser = argparse.ArgumentParser(description="Measure what tlstrace costs.")
    parser.add_argument("--tlstrace", default="./tlstrace", metavar="PATH",
                        help="the binary, or none (default ./tlstrace)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.tlstrace = None if options.tlstrace == "none" else os.path.abspath(options.tlstrace)
    return options


def check_prerequisites(options):
    if os.geteuid():
        raise BenchError("This needs root, for network namespaces and BPF: use sudo.")
    for tool in TOOLS:
        if not shutil.which(tool):
            raise BenchError(f"{tool} is not installed: see `make deps`.")
    if options.tlstrace and not os.access(options.tlstrace, os.X_OK):
        raise BenchError(f"{options.tlstrace} cannot be run: build it with `make`.")


def end_on_signal(number, _frame):
    """As an exception, so that everything is taken down on the way out."""
    raise SystemExit(128 + number)


def main():
    options = parse_options()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_on_signal)
    begin = time.monotonic()
    try:
        check_prerequisites(options)
        remove_leftovers()
        with contextlib.ExitStack() as stack:
            report = measure(Lab(stack), options, begin)
    except (BenchError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"bench.py: {error}", file=sys.stderr)
        return 1
    print_report(report)
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
