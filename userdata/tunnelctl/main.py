"""tunnelctl: applies, shows, checks and removes the transparent tunnel on this machine."""

import argparse
import contextlib
import json
import os
import sys

import apply
import check
import health
import status
import transaction
import tunnel
from bundle import CURRENT, hand_over, stored
from drift import undo
from machine import Fault, lock, say


# Exit statuses of `status --exit-code`. 1 is an error, 2 a wrong argument.
STATUSES = {"running": 0, "degraded": 3, "down": 4}


def release():
    found = stored(CURRENT)
    if found is None:
        raise Fault("there is no tunnel on this machine")
    return found


def do_apply(_arguments):
    text = sys.stdin.read()
    with lock():
        transaction.apply(text, apply.TunnelSteps())
    return 0


def do_down(arguments):
    with lock():
        if not transaction.owned_by_another(arguments.owner):
            apply.down(purge_packages=arguments.purge)
    return 0


def do_handover(arguments):
    with lock():
        hand_over(arguments.owner)
    return 0


def do_status(arguments):
    report = status.report(tunnel.of(release()))
    print(json.dumps(report, indent=2) if arguments.json else status.text(report))
    return STATUSES[report["state"]] if arguments.exit_code else 0


def do_check(arguments):
    # Standard output has the answer alone, which programs read; the timer's repair may have to be waited for.
    with contextlib.redirect_stdout(sys.stderr), lock():
        steps = apply.TunnelSteps()
        if arguments.repair:
            transaction.recover(steps)
        current = release()
        left = check.findings(current) + transaction.unfinished()
        if left and arguments.repair:
            for line in left:
                say(f"mending: {line}")
            undo(left)
            steps.switch(current, current, set())
            if check.findings(current):
                steps.mend(current)
            left = transaction.settled(lambda: check.findings(current) + transaction.unfinished())
    print(json.dumps({"ok": not left, "findings": left}, indent=2) if arguments.json else "\n".join(left or ["the machine is as its release says"]))
    return 1 if left else 0


def do_watch(_arguments):
    health.watch()
    return 0


HOOKS = {"up": tunnel.hook_up, "down": tunnel.hook_down, "unwatched": health.unwatched}


def do_hook(arguments):
    HOOKS[arguments.when]()
    return 0


def parser():
    main = argparse.ArgumentParser(prog="tunnelctl", description="The transparent WireGuard tunnel of this machine.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("apply", help="make the machine what the release on standard input says; go back if that fails").set_defaults(do=do_apply)
    show = commands.add_parser("status", help="show the peers, and which way their public addresses are reached")
    show.add_argument("--json", action="store_true", help="for programs")
    codes = "end with 3 when a peer is not heard or nobody listens, with 4 when the interface is down"
    show.add_argument("--exit-code", action="store_true", help=codes)
    show.set_defaults(do=do_status)
    look = commands.add_parser("check", help="compare the machine with its release; exit status 1 when something differs")
    look.add_argument("--repair", action="store_true", help="mend what differs")
    look.add_argument("--json", action="store_true", help="for programs")
    look.set_defaults(do=do_check)
    leave = commands.add_parser("down", help="remove the tunnel from this machine")
    leave.add_argument("--purge", action="store_true", help="also the packages that came with it, unless something else needs them")
    leave.add_argument("--owner", default="", help="only a release of this owner; default: of anybody")
    leave.set_defaults(do=do_down)
    handover = commands.add_parser("handover", help="let another stack's releases be applied to this machine")
    handover.add_argument("owner", metavar="OWNER", help="as the refused deployment names it: ORGANIZATION/PROJECT/STACK/RELEASE")
    handover.set_defaults(do=do_handover)
    commands.add_parser("watch", help="lead peers through the tunnel while they are heard; for wg-tunnel.service").set_defaults(do=do_watch)
    hook = commands.add_parser("hook", help="what wg-quick runs before the interface comes up and after it went down, and wg-tunnel.service after it ended")
    hook.add_argument("when", choices=[*HOOKS])
    hook.set_defaults(do=do_hook)
    return main


def main(words):
    arguments = parser().parse_args(words)
    if os.geteuid() != 0:
        print("tunnelctl: needs root: use sudo", file=sys.stderr)
        return 1
    try:
        return arguments.do(arguments)
    except (Fault, OSError) as error:
        # A full disk, for instance, or /run.
        print(f"tunnelctl: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
