"""What brings the server to machines (bin/package): each is read by its own tool where that is there,
and whatever it names of the server (settings, options, variables, paths, ports) is there.

usage: packages.py SERVER
"""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from pathlib import Path

import compose_spec
import kubernetes_validate
import yaml

from checks import check, finish

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bin/package"
SERVER = str(Path(sys.argv[1]).resolve())


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)


def check_run(name, *words, silent=False, **more):
    done = run(*words, **more)
    said = done.stdout + done.stderr
    check(name, done.returncode == 0 and not (silent and said.strip()), said)
    return done.stdout


def help_of(*command):
    return run(SERVER, *command, "--help").stdout


def options_of(*command):
    return set(re.findall(r"--[a-z][a-z-]+", help_of(*command)))


def check_settings(name, text, folder):
    """Every setting of a file is one of the server's, and has a value that is taken."""
    file = folder / "settings.toml"
    file.write_text(text)
    named = set(tomllib.loads(text))
    done = run(SERVER, "config", "print", "--json", "--config", file)
    check(f"{name}: the server goes by it", done.returncode == 0, done.stderr)
    if done.returncode == 0:
        taken = {item["name"] for item in json.loads(done.stdout)["items"] if item["origin"] == "file"}
        check(f"{name}: every setting counts", taken == named, named ^ taken)
    return tomllib.loads(text)


def variables():
    known = set(re.findall(r"SERVICEOPS_SCIM_[A-Z_]+", help_of("serve")))
    for file in sorted(PACKAGE.rglob("*")):
        if file.is_file():
            named = set(re.findall(r"SERVICEOPS_SCIM_[A-Z_]+", file.read_text()))
            if named:
                check(f"{file.name}: every variable is known", named <= known, named - known)


def unit(folder):
    file = PACKAGE / "systemd/serviceops-scim.service"
    text = file.read_text()
    command = re.search(r"^ExecStart=(\S+) (.*)$", text, re.M)
    check("unit: it runs a command of the server", command[2].split()[0] in help_of(), command[2])
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)[1])
    longest = int(re.search(r"`--drain SECONDS` .* 0 to (\d+)\.", (ROOT / "docs/configuration.md").read_text())[1])
    check("unit: the longest drain has its end before the stop is forced", stop >= longest + 12, stop)
    if not shutil.which("systemd-analyze"):
        print("not checked: systemd-analyze is not there")
        return
    said = check_run("unit: its exposure is below 2.0", "systemd-analyze", "security", "--offline=true",
                     "--threshold=20", file)
    print(said.strip().splitlines()[-1])
    installed = folder / "serviceops-scim.service"
    installed.write_text(text.replace(command[1], SERVER))
    check_run("unit: systemd reads it", "systemd-analyze", "verify", installed, silent=True)


def debian(folder):
    if not shutil.which("dpkg-shlibdeps"):
        print("not checked: dpkg-dev is not there")
        return
    built = check_run("debian: it is built", PACKAGE / "debian/build", "--binary", SERVER, "--output", folder,
                      "--quick")
    package = built.strip().splitlines()[-1]
    if shutil.which("lintian"):
        check_run("debian: lintian has nothing to say", "lintian", "--allow-root", package, silent=True)
    else:
        print("not checked: lintian is not there")
    names = set(run("dpkg-deb", "-c", package).stdout.split())
    for name in ["./usr/bin/serviceops-scim", "./usr/lib/systemd/system/serviceops-scim.service",
                 "./usr/lib/sysusers.d/serviceops-scim.conf", "./etc/serviceops-scim/serviceops-scim.toml"]:
        check(f"debian: {name} is in it", name in names)
    if os.getuid() != 0:
        print("not checked: only root installs a package")
        return
    root = folder / "root"
    for below in ["info", "updates", "triggers"]:
        (root / "var/lib/dpkg" / below).mkdir(parents=True)
    for file in ["status", "available"]:
        (root / "var/lib/dpkg" / file).touch()
    (root / "etc").mkdir()
    dpkg = ["dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends", f"--log={root}/log"]
    check_run("debian: it is installed", *dpkg, "-i", package)
    user = re.search(r"^User=(\S+)$", (PACKAGE / "systemd/serviceops-scim.service").read_text(), re.M)[1]
    check("debian: the user of the unit is made", f"{user}:" in (root / "etc/passwd").read_text())
    check_run("debian: what is installed runs", root / "usr/bin/serviceops-scim", "--version")
    kept = root / "var/lib/serviceops-scim/serviceops-scim.db"
    kept.parent.mkdir()
    kept.write_text("people")
    check_run("debian: it is installed over itself", *dpkg, "-i", package)
    check_run("debian: it is purged", *dpkg, "-P", "serviceops-scim")
    check("debian: the data stays", kept.exists())
    check("debian: nothing else does", not (root / "etc/serviceops-scim").exists())


def container():
    text = (PACKAGE / "container/Containerfile").read_text()
    hadolint = Path(sys.executable).with_name("hadolint")
    if hadolint.exists():
        check_run("container: hadolint has nothing to say", hadolint, PACKAGE / "container/Containerfile", silent=True)
    else:
        print("not checked: hadolint is not there")
    words = {kind: json.loads(found) for kind, found in re.findall(r"^(?:  )?(ENTRYPOINT|CMD) (\[.*\])$", text, re.M)}
    health = json.loads(re.search(r"CMD (\[.*healthcheck.*\])", text)[1])
    installed = re.search(r"^COPY --from=build \S+ (\S+)$", text, re.M)[1]
    check("container: what starts is what was copied", words["ENTRYPOINT"] == [installed] == health[:1])
    commands = help_of()
    check("container: its commands are the server's", all(f"\n  {word[-1]} " in commands for word in [words["CMD"], health]))
    manifest = tomllib.loads((ROOT / "bin/Cargo.toml").read_text())
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())
    build = re.search(r"^RUN cargo build (.*)$", text, re.M)[1].split()
    chosen = build[build.index("--features") + 1].split(",")
    check("container: the features are there", set(chosen) <= set(manifest["features"]), chosen)
    check("container: the profile is there", build[build.index("--profile") + 1] in workspace["profile"])
    rust = re.search(r"rust:([\d.]+)-", text)[1]
    check("container: its compiler is new enough", rust == workspace["workspace"]["package"]["rust-version"], rust)
    user = re.search(r"^USER (\d+):(\d+)$", text, re.M)
    check("container: nobody's user runs it", user and user[1] != "0")
    file = PACKAGE / "container/compose.yaml"
    try:
        compose_spec.PyCompose.from_yaml(file.read_text()).validate()
        check("compose: it is valid", True)
    except Exception as error:
        check("compose: it is valid", False, error)
    compose = yaml.safe_load(file.read_text())
    server = compose["services"]["server"]
    check("compose: it cannot write to its root", server["read_only"] and server["cap_drop"] == ["ALL"])
    secrets = {f"/run/secrets/{name}" for name in compose["secrets"]}
    named = [value for service in compose["services"].values() for value in service["environment"].values()
             if value.startswith("/run/secrets/")]
    check("compose: the secrets that are named are there", len(named) == 2 and set(named) <= secrets)
    check("compose: it has time to stop", int(server["stop_grace_period"].rstrip("s")) >= 12)
    volume = re.search(r"^VOLUME (\S+)$", text, re.M)[1]
    check("compose: the volume is that of the image", any(v.endswith(f":{volume}") for v in server["volumes"]))
    return int(user[1])


def kubernetes(folder, user):
    here = PACKAGE / "kubernetes"
    listed = yaml.safe_load((here / "kustomization.yaml").read_text())["resources"]
    there = {file.name for file in here.glob("*.yaml")} - {"kustomization.yaml"}
    check("kubernetes: every file is applied", set(listed) == there, set(listed) ^ there)
    resources = {}
    for name in listed:
        for document in yaml.safe_load_all((here / name).read_text()):
            resources[document["kind"]] = document
            try:
                kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
                check(f"kubernetes: {name} is valid", True)
            except Exception as error:
                check(f"kubernetes: {name} is valid", False, error)
    pod = resources["Deployment"]["spec"]["template"]
    (server,) = pod["spec"]["containers"]
    command, options = server["args"][0], [word for word in server["args"] if word.startswith("--")]
    check("kubernetes: the options are the server's", set(options) <= options_of(command), options)
    mounts = {mount["name"]: mount["mountPath"] for mount in server["volumeMounts"]}
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    check("kubernetes: every volume is mounted", set(mounts) == volumes)
    (name, text), = resources["ConfigMap"]["data"].items()
    check("kubernetes: the settings are where the server looks", server["args"][-1] == f"{mounts['settings']}/{name}")
    settings = check_settings("kubernetes", text, folder)
    paths = [value for key, value in settings.items() if key.endswith("-file") or key.startswith("tls-")]
    check("kubernetes: its files are mounted", all(path.rsplit("/", 1)[0] in mounts.values() for path in paths), paths)
    check("kubernetes: the data directory is mounted", settings["data-dir"] in mounts.values())
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    check("kubernetes: metrics are where they are looked for", settings["metrics-listen"].endswith(f":{ports['metrics']}"))
    default = re.search(r"\[default: \[::\]:(\d+)\]", help_of("serve"))[1]
    check("kubernetes: the port is the server's", ports["https"] == int(default), default)
    check("kubernetes: it has time to stop", pod["spec"]["terminationGracePeriodSeconds"] >= settings["drain"] + 12)
    security = pod["spec"]["securityContext"]
    check("kubernetes: the user is that of the image", security["runAsUser"] == security["fsGroup"] == user)
    check("kubernetes: the root cannot be written", server["securityContext"]["readOnlyRootFilesystem"])
    labels = pod["metadata"]["labels"]
    selectors = [resources["Service"]["spec"]["selector"],
                 resources["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
                 resources["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
                 resources["Deployment"]["spec"]["selector"]["matchLabels"]]
    check("kubernetes: all mean the same servers", all(selector == labels for selector in selectors))
    return {server[probe]["httpGet"]["path"] for probe in ["startupProbe", "livenessProbe", "readinessProbe"]}


def serving(folder, probes, user):
    """The server as nobody's user, in no folder of its own, with somebody who waits until it is ready."""
    data = folder / "nobody"
    data.mkdir(mode=0o700)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(folder / "notify"))
    notify.settimeout(60)
    nobody = {}
    if os.getuid() == 0:
        folder.chmod(0o711)
        (folder / "notify").chmod(0o777)
        os.chown(data, user, user)
        nobody = {"user": user, "group": user, "extra_groups": []}
    binary = folder / "serviceops-scim"
    shutil.copy(SERVER, binary)
    environment = {"SERVICEOPS_SCIM_DATA_DIR": str(data), "NOTIFY_SOCKET": str(folder / "notify")}
    server = subprocess.Popen([binary, "serve", "--listen", "127.0.0.1:0"], cwd="/", env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **nobody)
    try:
        try:
            told = notify.recv(100)
        except TimeoutError:
            told = server.poll() and server.stderr.read()
        check("the service manager is told when it is ready", told == b"READY=1", told)
        base = next(line for line in server.stdout if "SCIM endpoint" in line).split()[-1]
        base = base.replace("localhost", "127.0.0.1").removesuffix("/api/scim/v2")
        trusting = ssl._create_unverified_context()
        for path in sorted(probes):
            status = urllib.request.urlopen(base + path, context=trusting).status
            check(f"{path} answers probes", status == 200, status)
        health = subprocess.run([binary, "healthcheck"], env=environment, capture_output=True, **nobody)
        check("healthcheck says so too", health.returncode == 0, health.stderr)
    finally:
        server.terminate()
        server.wait()


def main():
    folder = Path(tempfile.mkdtemp())
    try:
        variables()
        text = (PACKAGE / "serviceops-scim.toml").read_text()
        check_settings("debian's settings", text, folder)
        check_settings("debian's settings, all of them", re.sub(r"^#(?! )", "", text, flags=re.M), folder)
        unit(folder)
        debian(folder)
        user = container()
        probes = kubernetes(folder, user)
        serving(folder, probes, user)
    finally:
        shutil.rmtree(folder)
    finish()


main()
