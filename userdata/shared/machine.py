"""What is done to a machine: run a command, read and write a file, take the lock."""

import fcntl
import os
import select
import subprocess
import sys
import time

from place import CONTROL, NAME

LIB = f"/usr/local/lib/{NAME}"
CONFIG = f"/etc/{NAME}"
STATE = f"/var/lib/{NAME}"
RUN = f"/run/{NAME}"
LOCK_SECONDS = 300
# A command that has not ended by then has stopped.
COMMAND_SECONDS = 180


class Fault(Exception):
    """Something that the person at the other end has to know; printed without a trace."""


def say(text):
    """Prints a line. Whoever listened may be gone (a connection that was cut): that stops nothing half-way, see heard()."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")


def heard():
    """Whether standard output still has a reader, which a pipe or a socket whose other end was closed has not."""
    poll = select.poll()
    poll.register(1, 0)
    return not poll.poll(0) and getattr(sys.stdout, "name", None) != os.devnull


def ended(command, **options):
    """subprocess.run() of a command that inherits what is open here. Raises Fault when it does not end."""
    try:
        return subprocess.run(command, text=True, timeout=COMMAND_SECONDS, close_fds=False, **options)
    except subprocess.TimeoutExpired:
        raise Fault(f"`{' '.join(command)}` did not end within {COMMAND_SECONDS} s, and was killed") from None


def run(*command, check=True, stdin=None):
    """Runs a command; its standard output as text. Raises Fault with what it said when it fails, unless check is False."""
    done = ended(command, input=stdin, capture_output=True)
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-12:]
        raise Fault(f"`{' '.join(command)}` failed ({done.returncode}):\n  " + "\n  ".join(said))
    return done.stdout


def succeeds(*command):
    return ended(command, capture_output=True).returncode == 0


def script(name, *arguments):
    """Runs one of our scripts, which report to standard error; shown as it goes."""
    done = ended([f"{LIB}/{name}", *arguments], stdout=sys.stdout, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Fault(f"{name} {' '.join(arguments)} failed ({done.returncode}):\n  " + "\n  ".join(done.stderr.strip().splitlines()[-12:]))


def read(path):
    """The text of a file, or None when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def beside(path):
    """Where a file is written before it is put in its place."""
    return f"{path}.{NAME}-new"


def stage(path, content, mode):
    """Writes a file beside its place, which takes all the room on the disk that it needs; where it is then. Never readable by more than
    `mode` says, not even in between. Leaves nothing when it fails."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    partial = beside(path)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except OSError as error:
        remove(partial)
        # That of a full disk does not say which.
        error.filename = error.filename or path
        raise
    except BaseException:
        remove(partial)
        raise
    return partial


def write(path, content, mode):
    """Puts a file in place whole: a reader sees the old one or the new one."""
    partial = stage(path, content, mode)
    try:
        os.replace(partial, path)
    except BaseException:
        remove(partial)
        raise


def remove(path):
    """Removes a file, and the folders above it that are ours alone and empty now."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    folder = os.path.dirname(path)
    while any(part in folder for part in (NAME, "/etc/netns", "wg-quick@", "networkd.conf.d")):
        try:
            os.rmdir(folder)
        except OSError:
            break
        folder = os.path.dirname(folder)


def active(unit):
    return run("systemctl", "is-active", unit, check=False).strip() == "active"


def start(*units, verb="start"):
    """Starts or restarts units; a failure tells what they said, not just that one failed."""
    run("systemctl", "reset-failed", *units, check=False)
    if not succeeds("systemctl", verb, *units):
        failed = [unit for unit in units if not active(unit)] or units
        said = run("journalctl", *(f"--unit={unit}" for unit in failed), "-n", "15", "-o", "cat", "--no-pager", check=False).strip().splitlines()
        raise Fault(f"{', '.join(failed)} does not {verb}:\n  " + "\n  ".join(said))


def lock():
    """Waits for the lock, 300 s at most, so that two deployments follow each other. The file handle that holds it.

    What we start holds it, too: when we are killed the next one waits for the script that still runs.
    """
    os.makedirs("/run/lock", exist_ok=True)
    handle = open(f"/run/lock/{NAME}.lock", "w")
    os.set_inheritable(handle.fileno(), True)
    deadline = time.monotonic() + LOCK_SECONDS
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Fault(f"another {CONTROL} has held the lock for {LOCK_SECONDS} s; nothing was changed") from None
            if not told:
                say(f"waiting for another {CONTROL} to finish")
                told = True
            time.sleep(0.2)
