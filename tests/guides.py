"""What the guides say to type: it is typed, and every command anywhere in the documents is there.

usage: guides.py SERVER [POSTGRES]

A block of `sh` in docs/guides or bin/package/README.md is run, the blocks of a page one after another
in a folder of their own. Of a block marked `sh postgres` the database is a new one of the server
POSTGRES; one marked `sh machine` needs a machine that is set up for it, and is not run. Of every block,
wherever it stands, the commands of the server are looked up with their options.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from functools import cache
from pathlib import Path

from checks import check, finish

ROOT = Path(__file__).resolve().parent.parent
SERVER = str(Path(sys.argv[1]).resolve())
POSTGRES = sys.argv[2] if len(sys.argv) > 2 else ""
BLOCK = re.compile(r"^```sh(?: (\w+))?\n(.*?)^```$", re.M | re.S)


def documents():
    found = [ROOT / "README.md", ROOT / "bin/package/README.md", ROOT / "examples/README.md"]
    return found + sorted((ROOT / "docs").rglob("*.md"))


@cache
def help_of(path):
    done = subprocess.run([SERVER, *path, "--help"], capture_output=True, text=True)
    commands = done.stdout.partition("\nCommands:\n")[2].partition("\n\n")[0]
    # An option at the beginning of its line; what a sentence names is not one of it.
    options = re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]*)", done.stdout, re.M)
    return set(re.findall(r"^  (\S+)", commands, re.M)), set(options)


def commands(script):
    """The words behind each call of the server in a script."""
    # What is handed in as a document is no command.
    script = re.sub(r"<<'?(\w+)'?(.*?)\n.*?\n\1\n", r"\2\n", script, flags=re.S)
    script = re.sub(r"(^|\s)#.*$", r"\1", script.replace("\\\n", " "), flags=re.M)
    lexer = shlex.shlex(script, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace = " \t"
    lexer.commenters = ""
    words, begins = None, True
    for token in [*lexer, "\n"]:
        if set(token) <= set("();<>|&\n"):
            if words is not None and set(token) - set("<>"):
                yield words
                words = None
            begins = True
            continue
        if words is not None:
            words.append(token)
        elif begins and token.rpartition("/")[2] == "serviceops-scim":
            words = []
        begins = token in ("--", "until", "while", "if", "do", "then", "else", "{", "!")


def look_up(document):
    wrong, count = [], 0
    for _, script in BLOCK.findall(document.read_text()):
        for words in commands(script):
            count += 1
            path = ()
            for word in words:
                if word in help_of(path)[0]:
                    path += (word,)
                elif not word.startswith("-"):
                    break
            if not path and any(not word.startswith(("-", "$")) for word in words[:1]):
                wrong.append(" ".join(words))
            known = help_of(path)[1]
            named = {word.partition("=")[0] for word in words if word.startswith("--") and word != "--"}
            wrong += [f"{' '.join(path)} {word}" for word in named - known]
    if count:
        check(f"{document.relative_to(ROOT)}: {count} commands are there", not wrong, wrong)


def has_every_option():
    page = (ROOT / "docs/configuration.md").read_text()
    missing = [option for option in help_of(("serve",))[1] if f"`{option}" not in page and option != "--help"]
    check("docs/configuration.md: every option of the server is in it", not missing, missing)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def new_database():
    name = f"guide_{uuid.uuid4().hex}"
    subprocess.run(["psql", "-qc", f"CREATE DATABASE {name}", f"{POSTGRES}/postgres"], check=True)
    return f"{POSTGRES}/{name}"


def typed(document):
    """The blocks of a document as one script."""
    script = ["set -euo pipefail"]
    ports = {port: free_port() for port in ["8443", "18443", "18444"]}
    database = empty = None
    for mark, block in BLOCK.findall(document.read_text()):
        if mark == "machine" or (mark == "postgres" and not POSTGRES):
            continue
        for port, free in ports.items():
            block = re.sub(rf"\b{port}\b", free, block)
        if mark == "postgres":
            database = database or new_database()
            empty = empty or new_database()
            block = (f"export SERVICEOPS_SCIM_DATABASE_URL={database} EMPTY_DATABASE_URL={empty}\n"
                     f"{block}unset SERVICEOPS_SCIM_DATABASE_URL\n")
        elif mark:
            raise SystemExit(f"{document}: nobody knows what {mark} means")
        script.append(block)
    return "\n".join(script), ports["8443"]


def run(document):
    script, port = typed(document)
    if script.count("\n") == 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "bin").mkdir()
        (folder / "bin/serviceops-scim").symlink_to(SERVER)
        work = folder / "work"
        work.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SERVICEOPS_SCIM_")}
        environment = {**kept, "PATH": f"{folder}/bin:{kept['PATH']}", "HOME": str(work),
                       "SERVICEOPS_SCIM_LISTEN": f"127.0.0.1:{port}"}
        # In a file, since what is left running would hold a pipe.
        said = folder / "said"
        with said.open("w") as out:
            shell = subprocess.Popen(["bash", "-xc", script], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                code = shell.wait(timeout=120)
            except subprocess.TimeoutExpired:
                code = "no end after 120 s"
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        lines = said.read_text(errors="replace").splitlines()
        check(f"{document.relative_to(ROOT)}: it works as it stands", code == 0, "\n".join([str(code), *lines[-40:]]))


def main():
    for document in documents():
        look_up(document)
    has_every_option()
    if not POSTGRES:
        print("not run: what needs PostgreSQL")
    for document in [*sorted((ROOT / "docs/guides").glob("*.md")), ROOT / "bin/package/README.md"]:
        run(document)
    finish()


main()
