"""What the benchmarks share: a Ceph RGW of their own, timed commands, a report of ratios."""
import argparse, datetime, json, os, platform, shutil, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
MIB = 1 << 20


def free_ports(count):
    found = subprocess.run(["bash", "-c", f'. "$0"; free_ports {count}', f"{ROOT}/eng/lib.sh"], check=True, capture_output=True, text=True)
    return found.stdout.split()


class Usage:
    """What a process, or a server that goes on, takes: CPU seconds, and MiB at its peak."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")  # the peak counts from now on
        self.cpu = self.cpu_seconds()

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def taken(self):
        with open(f"/proc/{self.pid}/status") as file:
            peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        return self.cpu_seconds() - self.cpu, peak / 1024


class Bench:
    """A server, a folder, and what was measured: {name: [(seconds, CPU seconds, peak MiB)]}."""

    def __init__(self, folder, store):
        self.folder, self.taken = folder, {}
        self.port, monitor, self.cap, self.second_cap = free_ports(4)
        self.server = dict(RGW_DIR=folder + "/rgw", RGW_PORT=self.port, RGW_MON_PORT=monitor, RGW_STORE=store,
                           RGW_ACCESS="benchaccess", RGW_SECRET="benchsecret")
        self.settings = dict(os.environ, AWS_ACCESS_KEY_ID="benchaccess", AWS_SECRET_ACCESS_KEY="benchsecret", AWS_REGION="us-east-1",
                             AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=folder + "/aws")
        with open(folder + "/aws", "w") as file:  # the defaults, said aloud
            file.write("[default]\ns3 =\n  max_concurrent_requests = 10\n  multipart_threshold = 8MB\n  multipart_chunksize = 8MB\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def endpoint(self, port=None):
        return f"http://127.0.0.1:{port or self.port}"

    def eng(self, script, *arguments, **settings):
        subprocess.run([f"{ROOT}/eng/{script}", *arguments], check=True, env=dict(os.environ, **self.server, **settings))

    def run(self, command, name=None, port=None):
        """Runs a command, and keeps what it took under a name."""
        os.sync()
        begun = time.monotonic()
        with open(self.path("output"), "w+") as output:
            child = subprocess.Popen(command, env=dict(self.settings, AWS_ENDPOINT_URL_S3=self.endpoint(port)), stdout=output, stderr=output)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            if child.returncode:
                sys.exit(f"{' '.join(command)}\n{output.read()}")
        if name:
            self.keep(name, time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def keep(self, name, seconds, cpu, peak):
        self.taken.setdefault(name, []).append((seconds, cpu, peak))
        print(f"  {name}: {seconds:.2f} s, CPU {cpu:.2f} s, peak {peak:.0f} MiB", file=sys.stderr)

    def pail(self, *arguments, **more):
        self.run([ROOT + "/pail", *arguments], **more)

    def aws(self, *arguments, **more):
        self.run(["/usr/bin/aws", "--endpoint-url", self.endpoint(), "s3", *arguments], **more)

    def image(self, mib, layers=1, files=None):
        """A new image, of noise or of the files in a folder; returns the path of its largest layer."""
        shutil.rmtree(self.path("image"), ignore_errors=True)
        content = ["--files", files] if files else []
        subprocess.run([f"{ROOT}/eng/make-image", self.path("image"), "--layers", str(layers), "--mib", str(mib), *content], check=True, stdout=subprocess.DEVNULL)
        return self.largest_blob("image")

    def largest_blob(self, layout):
        return max((entry.path for entry in os.scandir(self.path(f"{layout}/blobs/sha256"))), key=os.path.getsize)

    def forget_warm_up(self):
        for values in self.taken.values():
            del values[0]

    def median(self, name, what=0):
        return statistics.median(value[what] for value in self.taken[name])

    def peak(self, name):
        return max(value[2] for value in self.taken[name])

    def times(self, names, mib=None):
        """A table of what was measured; with MiB a second where it is told how many there were."""
        def speed(name):
            return f" {mib(name) / self.median(name):.0f} |" if mib else ""

        return [
            f"| | seconds |{' MiB/s |' if mib else ''} CPU s | peak MiB |", f"|---|---|{'---|' if mib else ''}---|---|",
            *(f"| {name} | {self.median(name):.2f} |{speed(name)} {self.median(name, 1):.2f} | {self.peak(name):.0f} |" for name in names)]


class Server:
    """A server that runs until stopped, on a port of its own."""

    def __init__(self, bench, name, command, path="/v2/"):
        self.bench, self.name = bench, name
        self.host = f"127.0.0.1:{free_ports(1)[0]}"
        settings = {key: value for key, value in bench.settings.items() if key != "AWS_CA_BUNDLE"}  # docker-registry 2.8 panics at it
        with open(bench.path(f"{name}.log"), "w") as log:
            self.child = subprocess.Popen(command(self.host), env=dict(settings, AWS_ENDPOINT_URL_S3=bench.endpoint()), stdout=log, stderr=log)
        for _ in range(100):
            if self.child.poll() is None and subprocess.run(["curl", "-sfo", "/dev/null", f"http://{self.host}{path}"]).returncode == 0:
                return
            time.sleep(0.1)
        self.stop()
        with open(bench.path(f"{name}.log")) as log:
            sys.exit(f"{name} does not start\n{log.read()}")

    def stop(self):
        self.child.terminate()
        self.child.wait()


def pail_serve(bench, bucket):
    bench.pail("init", bucket, "--public")
    return Server(bench, "pail", lambda host: [f"{ROOT}/pail", "serve", bucket, "--listen", host])


def docker_registry(bench, where):
    """Debian's CNCF Distribution over a folder or, where no path is given, a bucket."""
    if "/" not in where:
        bench.aws("mb", f"s3://{where}")
    storage = {"filesystem": dict(rootdirectory=where)} if "/" in where else {"s3": dict(
        accesskey=bench.server["RGW_ACCESS"], secretkey=bench.server["RGW_SECRET"], region="us-east-1", bucket=where,
        regionendpoint=bench.endpoint(), secure=False, v4auth=True)}
    name = f"docker-registry-{os.path.basename(where)}"

    def command(host):
        with open(bench.path(f"{name}.yml"), "w") as file:
            json.dump(dict(version=0.1, log=dict(level="error", accesslog=dict(disabled=True)), http=dict(addr=host), storage=storage), file)  # JSON is YAML
        return ["docker-registry", "serve", bench.path(f"{name}.yml")]

    return Server(bench, name, command)


def main(usage, kinds, rounds, server=True):
    """Runs one kind of benchmark, beside a Ceph RGW unless told otherwise: a function of (bench, rounds) that returns (remark, [(ratio's name, ratio, aim)], table)."""
    parser = argparse.ArgumentParser(usage=usage)
    parser.add_argument("what", choices=kinds)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    store = os.environ.get("RGW_STORE", "bluestore")

    subprocess.run([ROOT + "/pail", "--version"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="pail-bench.") as folder:
        bench = Bench(folder, store)
        try:
            if server:
                bench.eng("ceph-rgw", "start")
            remark, ratios, table = kinds[options.what](bench, options.rounds)
        finally:
            if server:
                bench.eng("ceph-rgw", "wipe")
    script = os.path.basename(sys.argv[0])
    command = f"{script} {options.what}"
    text = "\n".join([
        f"# bench/{command}", "", remark,
        f"{datetime.date.today()}, {os.cpu_count()} cores, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB, "
        f"{platform.system()} {platform.machine()}" + (f"; Ceph RGW ({store}) on the same machine." if server else "."), "",
        "| ratio | measured | aim |", "|---|---|---|",
        *(f"| {name} | {ratio:.2f} | {aim} |" for name, ratio, aim in ratios), "", *table, ""])
    print(text)
    if options.write:
        os.makedirs(f"{ROOT}/bench/results", exist_ok=True)
        with open(f"{ROOT}/bench/results/{script}-{options.what}.md", "w") as file:
            file.write(text)
