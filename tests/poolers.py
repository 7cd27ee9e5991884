"""What stands between the server and PostgreSQL: PgBouncer in transaction mode, and a stand-by that
takes over from a primary which is named beside it.

usage: poolers.py SERVER

Each part runs where Debian's packages are there (pgbouncer, postgresql), on clusters of its own.
"""

import glob
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from checks import check, finish, free_port

SERVER = str(Path(sys.argv[1]).resolve())


def as_owner(*words, **more):
    """PostgreSQL and PgBouncer refuse to run as root."""
    if os.getuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    return subprocess.run([str(word) for word in words], cwd="/", check=True, capture_output=True, text=True, **more)


class Cluster:
    """PostgreSQL in a folder of its own, on a free port."""

    bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[4]))[-1:]

    def __init__(self, folder, name, of=None, password=None):
        self.data, self.port, self.folder = folder / name, free_port(), folder
        if password is not None:
            as_owner(f"{self.bin[0]}/initdb", "--no-sync", "--auth=scram-sha-256", "--username=postgres",
                     f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self.data}")
        elif of is None:
            as_owner(f"{self.bin[0]}/initdb", "--no-sync", "--auth=trust", "--username=postgres",
                     "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self.data}")
        else:
            as_owner(f"{self.bin[0]}/pg_basebackup", "--dbname", of.url("postgres"), f"--pgdata={self.data}",
                     "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        self.start()

    def start(self):
        options = (f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
                   "-c max_connections=100 -c fsync=off -c hot_standby=on")
        with open(f"{self.folder}/{self.data.name}.out", "w") as out:
            words = [f"{self.bin[0]}/pg_ctl", f"--pgdata={self.data}", "--wait", f"--log={self.data}/log",
                     f"--options={options}", "start"]
            if os.getuid() == 0:
                words = ["runuser", "-u", "postgres", "--", *words]
            subprocess.run(words, cwd="/", check=True, stdout=out, stderr=out)

    def control(self, *words):
        as_owner(f"{self.bin[0]}/pg_ctl", f"--pgdata={self.data}", "--wait", *words)

    def stop(self):
        try:
            self.control("--mode=immediate", "stop")
        except subprocess.CalledProcessError:
            pass

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement, database="postgres"):
        done = subprocess.run(["psql", "-XAtqc", statement, self.url(database)], check=True, capture_output=True,
                              text=True)
        return done.stdout.strip()


class Serving:
    """The server on a database, with a data directory that keeps its key ring."""

    def __init__(self, folder, url, *options):
        self.data, self.url, self.options = folder, url, options
        self.log = open(folder.with_suffix(".log"), "a")
        self.process = subprocess.Popen(
            [SERVER, "serve", "--listen", "127.0.0.1:0", *self.place()], stdout=subprocess.PIPE, stderr=self.log,
            stdin=subprocess.DEVNULL, text=True)
        line = next((line for line in self.process.stdout if "SCIM endpoint" in line), "")
        self.base = line.split()[-1].replace("localhost", "127.0.0.1") if line else ""
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def place(self):
        return ["--data-dir", str(self.data), "--database-url", self.url, *self.options]

    def command(self, *words):
        return subprocess.run([SERVER, *words, *self.place()], capture_output=True, text=True)

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


def ask(url, token, body=None, timeout=30):
    """The status of an answer, and its document; 0 where there was none."""
    request = urllib.request.Request(url, data=body and json.dumps(body).encode(), headers={
        "Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=ssl._create_unverified_context()) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        return 0, None


def user(name):
    return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}


def pgbouncer(folder, cluster):
    port = free_port()
    settings = folder / "pgbouncer.ini"
    (folder / "users.txt").write_text('"postgres" ""\n')
    # Fewer connections than the server has, so that its transactions share them.
    settings.write_text(f"""
[databases]
* = host=127.0.0.1 port={cluster.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 3
min_pool_size = 0
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
unix_socket_dir =
""")
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    as_owner(program, "-d", settings)
    return port


def through_pgbouncer(folder):
    cluster = Cluster(folder, "pooled")
    port = pgbouncer(folder, cluster)
    pooled = lambda database: f"postgres://postgres@127.0.0.1:{port}/{database}?prepared_statements=off"
    try:
        cluster.sql("CREATE DATABASE scim")
        cluster.sql("CREATE DATABASE empty")
        guide = (Path(__file__).parent.parent / "docs/guides/poolers.md").read_text()
        for statement in re.findall(r"^ALTER ROLE .*;$", guide, re.M):
            cluster.sql(statement.replace(':"DBNAME"', "scim"), "scim")
        one = Serving(folder / "one", pooled("scim"))
        check("it starts behind PgBouncer", one.base, (folder / "one.log").read_text())
        shutil.copytree(one.data, folder / "two")
        two = Serving(folder / "two", pooled("scim"))
        check("a second one starts beside it", two.base, (folder / "two.log").read_text())
        demo = one.command("demo", "--users", "100")
        check("an identity provider is served as it should be", demo.returncode == 0, demo.stdout + demo.stderr)
        made = json.loads(two.command("configuration", "add", "--name", "C", "--users", "--json").stdout)
        token, ids, wrong = made["token"]["value"], [], []

        def create(number):
            for at in range(25):
                base = (one, two)[at % 2].base
                status, document = ask(f"{base}/Users", token, user(f"u{number}-{at}"))
                if status == 201:
                    ids.append((document["id"], base))
                else:
                    wrong.append(status)

        threads = [threading.Thread(target=create, args=[number]) for number in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        check("8 clients create 200 people by two servers over 3 connections", not wrong and len(ids) == 200, wrong)
        other = {one.base: two.base, two.base: one.base}
        seen = [ask(f"{other[base]}/Users/{id}", token)[0] for id, base in ids]
        check("what one server wrote the other one has", set(seen) == {200}, seen)
        check("it stops", one.stop() == 0)
        one = Serving(folder / "one", pooled("scim"))
        check("it starts again", one.base, (folder / "one.log").read_text())
        for words in [["migrate"], ["check", "--deep"], ["keys", "list"], ["user", "list"],
                      ["backup", str(folder / "backup")]]:
            done = one.command(*words)
            check(f"{words[0]} works", done.returncode == 0, done.stderr)
        restored = subprocess.run([SERVER, "restore", str(folder / "backup"), "--data-dir", str(folder / "three"),
                                   "--database-url", pooled("empty")], capture_output=True, text=True)
        check("restore works", restored.returncode == 0, restored.stderr)
        counts = [cluster.sql("SELECT count(*) FROM users", name) for name in ["scim", "empty"]]
        check("everybody is in the copy", len(set(counts)) == 1 and int(counts[0]) >= 200, counts)
        # The recorded conversations of identity providers, each with a server of its own.
        replayed = subprocess.run(
            ["cargo", "test", "--quiet", "-p", "end-to-end", "--test", "traffic", "postgres::"],
            env={**os.environ, "SERVICEOPS_SCIM_BIN": SERVER,
                 "SERVICEOPS_SCIM_TEST_POSTGRES":
                     f"postgres://postgres@127.0.0.1:{port}?prepared_statements=off"},
            cwd=Path(__file__).parent.parent, capture_output=True, text=True)
        ran = re.search(r"(\d+) passed; 0 failed; 0 ignored", replayed.stdout)
        check("what identity providers sent is answered as it was", ran and int(ran[1]) > 0,
              replayed.stdout[-3000:] + replayed.stderr[-1000:])
        check("both stop", [one.stop(), two.stop()] == [0, 0])
        locks = cluster.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        check("no lock is left on a connection of the pool", locks == "0", locks)
        most = cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'scim'")
        check("they shared three connections", int(most) <= 3, most)
    finally:
        pid = folder / "pgbouncer.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), 9)
        cluster.stop()


def with_a_stand_by(folder):
    primary = Cluster(folder, "primary")
    standby = None
    try:
        primary.sql("CREATE DATABASE scim")
        standby = Cluster(folder, "standby", primary)
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.sql("SELECT pg_reload_conf()")
        # The stand-by first: what counts is who takes writes.
        url = (f"postgres://postgres@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/scim"
               "?target_session_attrs=read-write")
        server = Serving(folder / "moved", url)
        check("the primary is found behind a stand-by", server.base, (folder / "moved.log").read_text())
        made = json.loads(server.command("configuration", "add", "--name", "C", "--users", "--json").stdout)
        token, ids, refused, over = made["token"]["value"], [], {}, threading.Event()

        def create(number):
            at = 0
            while not over.is_set():
                at += 1
                status, document = ask(f"{server.base}/Users", token, user(f"u{number}-{at}"))
                if status == 201:
                    ids.append(document["id"])
                else:
                    refused[status] = refused.get(status, 0) + 1

        threads = [threading.Thread(target=create, args=[number]) for number in range(4)]
        [thread.start() for thread in threads]

        def until(what, happened):
            since = time.time()
            while not happened() and time.time() < since + 60:
                time.sleep(0.05)
            check(what, happened(), (folder / "moved.log").read_text()[-3000:])

        until("it serves", lambda: len(ids) > 50)
        primary.stop()
        standby.control("promote")
        standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.sql("SELECT pg_reload_conf()")
        before = len(ids)
        until("it serves again by the one that was promoted", lambda: len(ids) > before + 50)
        over.set()
        [thread.join() for thread in threads]
        check("whoever was refused is to come again", set(refused) <= {503}, refused)
        lost = [id for id in ids if ask(f"{server.base}/Users/{id}", token)[0] != 200]
        check(f"of {len(ids)} who were acknowledged nobody is lost", not lost, lost)
        check("it stops", server.stop() == 0)
    finally:
        primary.stop()
        if standby:
            standby.stop()


def while_a_stand_by_is_silent(folder):
    """A commit whose wait for a stand-by is cancelled is done all the same, and told in a warning alone:
    no timeout of the server's may cancel it, or what the stand-by lacks would be acknowledged."""
    cluster = Cluster(folder, "waiting")
    try:
        cluster.sql("CREATE DATABASE scim")
        server = Serving(folder / "waits", cluster.url("scim"))
        made = json.loads(server.command("configuration", "add", "--name", "C", "--users", "--json").stdout)
        token, answers = made["token"]["value"], []
        check("it is served", ask(f"{server.base}/Users", token, user("before"))[0] == 201)
        cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'away'")
        cluster.sql("SELECT pg_reload_conf()")
        create = lambda: answers.append(ask(f"{server.base}/Users", token, user("waits"), timeout=60)[0])
        waiting = threading.Thread(target=create)
        waiting.start()
        # Longer than a statement may take.
        time.sleep(15)
        check("nothing is acknowledged that no stand-by has", not answers, answers)
        cluster.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        cluster.sql("SELECT pg_reload_conf()")
        waiting.join()
        check("it is as soon as it is waited for no more", answers == [201], answers)
        check("it stops", server.stop() == 0)
    finally:
        cluster.stop()


def by_a_password_in_a_file(folder):
    file = folder / "password"
    file.write_text("p@ss w/rd?&%25\n")
    if os.getuid() == 0:
        shutil.chown(file, "postgres")
    cluster = Cluster(folder, "guarded", password=file)
    try:
        without = subprocess.run([SERVER, "migrate", "--data-dir", folder / "none", "--database-url",
                                  cluster.url("postgres")], capture_output=True, text=True)
        check("without its password it is not let in", without.returncode == 1, without.stderr)
        server = Serving(folder / "guarded-data", cluster.url("postgres"), "--database-password-file", str(file))
        check("with a password in a file it is", server.base, (folder / "guarded-data.log").read_text())
        done = server.command("config", "print")
        check("which is shown nowhere", "p@ss" not in done.stdout + done.stderr, done.stdout)
        check("and logged nowhere", "p@ss" not in (folder / "guarded-data.log").read_text())
        done = server.command("check")
        check("commands are let in by it", done.returncode == 0, done.stderr)
        check("it stops", server.stop() == 0)
    finally:
        cluster.stop()


def main():
    if not Cluster.bin:
        sys.exit("PostgreSQL is not there: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp())
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    folder.chmod(0o755)
    try:
        if shutil.which("pgbouncer") or Path("/usr/sbin/pgbouncer").exists():
            through_pgbouncer(folder)
        else:
            print("not checked: pgbouncer is not there")
        with_a_stand_by(folder)
        while_a_stand_by_is_silent(folder)
        by_a_password_in_a_file(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
