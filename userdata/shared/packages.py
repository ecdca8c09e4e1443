"""Debian packages: installs what is missing, remembers what came, and takes only that away again."""

import glob
import os
import re
import subprocess
import time

from machine import STATE, Fault, read, run, say, succeeds, write
from place import PACKAGES

INSTALLED = f"{STATE}/packages"
WANTED = f"{STATE}/wanted"
# A file of our user data, which a machine that was there before has not: that one's updates are its own affair.
UPDATES = "/etc/apt/apt.conf.d/52-wg-gateway"
# Its own waiting is for dpkg's locks alone: apt() waits for all of them.
APT = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=0", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=2"]
APT_SECONDS = 900
ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
# What apt says of each of its locks: that of the package lists, of the archives, dpkg's two.
LOCKED = re.compile(r"^E: Could not get lock (/\S+?)(?:\. It is held by (.+))?$", re.MULTILINE)


class Locked(Fault):
    """Another apt is at work (unattended upgrades, cloud-init), and did not end in time."""


class Patience:
    """For how long another apt is waited for in all: 300 s, or what the machine's own apt is told to wait."""

    def __init__(self):
        told = run("apt-config", "shell", "SECONDS", "DPkg::Lock::Timeout").strip().removeprefix("SECONDS=").strip("'")
        self.seconds = int(told) if told.isdecimal() else 300
        self.deadline, self.told = None, set()

    def wait(self, lock, holder):
        held = f"{holder or 'somebody'} holds {lock}"
        self.deadline = self.deadline or time.monotonic() + self.seconds
        if time.monotonic() > self.deadline:
            raise Locked(f"another apt has not ended within {self.seconds} s: {held}")
        if held not in self.told:
            say(f"waiting for another apt, {self.seconds} s at most: {held}")
            self.told.add(held)
        time.sleep(1)


def installed():
    """Names of all installed packages."""
    out = run("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${binary:Package}\n")
    return {line.split()[1].split(":")[0] for line in out.splitlines() if line.startswith("ii")}


def kernel_has_wireguard():
    """Whether the kernel makes a wireguard link; asked of the kernel itself, in a namespace that goes at once."""
    return succeeds("unshare", "--net", "ip", "link", "add", "wg-probe", "type", "wireguard")


def apt(patience, *arguments):
    while True:
        try:
            done = subprocess.run([*APT, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=APT_SECONDS)
        except subprocess.TimeoutExpired:
            raise Fault(f"apt-get {' '.join(arguments)} did not end within {APT_SECONDS} s, and was killed") from None
        if done.returncode == 0:
            return
        locked = LOCKED.search(done.stderr)
        if not locked:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise Fault(f"apt-get {' '.join(arguments)} failed ({done.returncode}):\n  " + "\n  ".join(said[-12:]))
        patience.wait(*locked.groups())


def install():
    """Installs what is missing."""
    wanted = PACKAGES + ([] if kernel_has_wireguard() else ["wireguard-go"]) + (["unattended-upgrades"] if os.path.exists(UPDATES) else [])
    write(WANTED, "".join(f"{name}\n" for name in wanted), 0o644)
    before = installed()
    missing = [name for name in wanted if name not in before]
    if not missing:
        return
    began, patience = time.monotonic(), Patience()
    say(f"installing {' '.join(missing)}")
    try:
        fetch(patience, missing)
    except Locked as locked:
        raise Fault(f"{locked}; nothing was changed; deploy again when that has ended") from None
    finally:
        came = (installed() - before) | set((read(INSTALLED) or "").split())
        if came:
            write(INSTALLED, "".join(f"{name}\n" for name in sorted(came)), 0o644)
    say(f"installed in {time.monotonic() - began:.0f} s")


def fetch(patience, missing):
    try:
        apt(patience, "install", *missing)
    except Locked:
        raise
    except Fault:
        # The package lists are missing or too old.
        apt(patience, "update")
        apt(patience, "install", *missing)


def hand_over(ours):
    """Leaves what another program of ours on this machine wants to that one; what is left of the packages."""
    for wanted in glob.glob("/var/lib/wg-*/wanted"):
        if wanted == WANTED:
            continue
        kept = set(ours) & set((read(wanted) or "").split())
        theirs = os.path.join(os.path.dirname(wanted), "packages")
        write(theirs, "".join(f"{name}\n" for name in sorted(kept | set((read(theirs) or "").split()))), 0o644)
        ours = [name for name in ours if name not in kept]
    return ours


def consequences(names):
    """What apt would do to purge packages: ({packages that would go}, {packages that it would install in their place})."""
    plan = run(*APT, "--simulate", "purge", *names)
    gone, come = (re.findall(rf"^(?:{words}) (\S+)", plan, re.MULTILINE) for words in ("Remv|Purg", "Inst"))
    return {name.split(":")[0] for name in gone}, {name.split(":")[0] for name in come}


def needed(ours):
    """
    {package: [those not of ours that would go or come if it went]} of the packages without which something else would not stay.
    """
    all_ours, going, kept = set(ours), set(), {}
    gone, come = consequences(ours)
    if gone <= all_ours and not come:
        return kept
    for name in ours:
        if name not in going:
            gone, come = consequences(sorted(going | {name}))
            concerned = (gone - all_ours) | come
            if concerned:
                kept[name] = sorted(concerned)
            else:
                going |= gone
    return kept


def purge():
    """Removes what install() brought, less what something else needs."""
    ours = hand_over(sorted(set((read(INSTALLED) or "").split()) & installed()))
    if not ours:
        return
    kept = needed(ours)
    for concerned in sorted({tuple(names) for names in kept.values()}):
        names = [name for name in ours if kept.get(name) == list(concerned)]
        say(f"keeping {' '.join(names)}: needed by {' '.join(concerned)}")
    going = [name for name in ours if name not in kept]
    if going:
        say(f"removing the packages that came with it: {' '.join(going)}")
        apt(Patience(), "purge", *going)
    if kept:
        # Whoever takes those away that need them has `apt-get autoremove` take these, too.
        run("apt-mark", "auto", *kept, check=False)
