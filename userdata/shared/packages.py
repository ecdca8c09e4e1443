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
APT = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=2"]
ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}


def installed():
    """Names of all installed packages."""
    out = run("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${binary:Package}\n")
    return {line.split()[1].split(":")[0] for line in out.splitlines() if line.startswith("ii")}


def kernel_has_wireguard():
    """Whether the kernel makes a wireguard link; asked of the kernel itself, in a namespace that goes at once."""
    return succeeds("unshare", "--net", "ip", "link", "add", "wg-probe", "type", "wireguard")


def apt(*arguments):
    done = subprocess.run([*APT, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise Fault(f"apt-get {' '.join(arguments)} failed ({done.returncode}):\n  " + "\n  ".join(said[-12:]))


def install():
    """Installs what is missing. Another apt (unattended upgrades, cloud-init) is waited for, 300 s at most."""
    wanted = PACKAGES + ([] if kernel_has_wireguard() else ["wireguard-go"])
    write(WANTED, "".join(f"{name}\n" for name in wanted), 0o644)
    before = installed()
    missing = [name for name in wanted if name not in before]
    if not missing:
        return
    began = time.monotonic()
    say(f"installing {' '.join(missing)} (waiting for other users of apt, 300 s at most)")
    try:
        apt("install", *missing)
    except Fault:
        # The package lists are missing or too old.
        apt("update")
        apt("install", *missing)
    finally:
        came = (installed() - before) | set((read(INSTALLED) or "").split())
        write(INSTALLED, "".join(f"{name}\n" for name in sorted(came)), 0o644)
    say(f"installed in {time.monotonic() - began:.0f} s")


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


def purge():
    """Removes what install() brought, unless something else needs it."""
    ours = hand_over(sorted(set((read(INSTALLED) or "").split()) & installed()))
    if not ours:
        return
    plan = run(*APT, "--simulate", "purge", *ours)
    going = set(re.findall(r"^(?:Remv|Purg) (\S+)", plan, re.MULTILINE))
    others = sorted(going - set(ours))
    if others:
        say(f"keeping {' '.join(ours)}: {' '.join(others)} needs them")
        return
    say(f"removing the packages that came with it: {' '.join(ours)}")
    apt("purge", *ours)
