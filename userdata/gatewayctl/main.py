"""gatewayctl: applies, shows, checks and removes the gateway on this machine."""

import argparse
import contextlib
import functools
import json
import os
import sys

import apply
import check
import layout
import metrics
import removal
import selection
import status
import transaction
import watch
from bundle import CURRENT, hand_over, stored
from machine import Fault, lock, say


# Exit statuses of `status --exit-code`. 1 is an error, 2 a wrong argument.
STATUSES = {"running": 0, "degraded": 3, "shut": 4}


def release():
    found = stored(CURRENT)
    if found is None:
        raise Fault("there is no gateway on this machine")
    return found


def do_apply(_arguments):
    text = sys.stdin.read()
    with lock():
        transaction.apply(text, apply.GatewaySteps())
    return 0


def do_down(arguments):
    with lock():
        if not transaction.owned_by_another(arguments.owner):
            removal.down(purge_packages=arguments.purge)
    return 0


def do_handover(arguments):
    with lock():
        hand_over(arguments.owner)
    return 0


def do_status(arguments):
    report = status.report(release())
    colours = arguments.colour == "always" or (arguments.colour == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    print(json.dumps(report, indent=2) if arguments.json else layout.text(report, colours))
    return STATUSES[report["state"]] if arguments.exit_code else 0


def do_check(arguments):
    mended = []
    # Standard output has the answer alone, which programs read; the timer's repair may have to be waited for.
    with contextlib.redirect_stdout(sys.stderr), lock():
        if arguments.repair:
            transaction.recover(apply.GatewaySteps())
        current = release()
        left = check.findings(current) + transaction.unfinished()
        if left and arguments.repair:
            for line in left:
                say(f"mending: {line}")
            before = left
            apply.repair(current, before)
            left = transaction.settled(lambda: check.findings(current) + transaction.unfinished())
            mended = [line for line in before if line not in left]
        metrics.note_check(left)
    if arguments.json:
        print(json.dumps({"ok": not left, "findings": left, "mended": mended}, indent=2))
    else:
        print("\n".join(left or ["the machine is as its release says"]))
    return 1 if left else 0


def do_select(_arguments):
    selection.select_at_start()
    return 0


def do_watch(_arguments):
    watch.watch()
    return 0


def parser():
    # No abbreviations: what takes a gateway away shall be spelled out.
    main = argparse.ArgumentParser(prog="gatewayctl", description="The WireGuard split-tunnel gateway of this machine.", allow_abbrev=False)
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=functools.partial(argparse.ArgumentParser, allow_abbrev=False))
    commands.add_parser("apply", help="make the machine what the release on standard input says; go back if that fails").set_defaults(do=do_apply)
    show = commands.add_parser("status", help="show the exits, the resolvers and the clients")
    show.add_argument("--json", action="store_true", help="for programs")
    codes = "end with 3 when something is not healthy or differs, with 4 when no client gets out"
    show.add_argument("--exit-code", action="store_true", help=codes)
    show.add_argument("--colour", "--color", choices=("auto", "always", "never"), default="auto", help="default: on a terminal, unless NO_COLOR is set")
    show.set_defaults(do=do_status)
    look = commands.add_parser("check", help="compare the machine with its release; exit status 1 when something differs")
    look.add_argument("--repair", action="store_true", help="mend what differs")
    look.add_argument("--json", action="store_true", help="for programs")
    look.set_defaults(do=do_check)
    leave = commands.add_parser("down", help="remove the gateway from this machine")
    leave.add_argument("--purge", action="store_true", help="also the packages that came with it, unless something else needs them")
    leave.add_argument("--owner", default="", help="only a release of this owner; default: of anybody")
    leave.set_defaults(do=do_down)
    handover = commands.add_parser("handover", help="let another stack's releases be applied to this machine")
    handover.add_argument("owner", metavar="OWNER", help="as the refused deployment names it: ORGANIZATION/PROJECT/STACK/RELEASE")
    handover.set_defaults(do=do_handover)
    commands.add_parser("select", help="select what time windows and failover groups ask for now; for wg0-up.sh").set_defaults(do=do_select)
    commands.add_parser("watch", help="keep selecting, and check the exits; for wg-gateway-watch.service").set_defaults(do=do_watch)
    return main


def main(words):
    arguments = parser().parse_args(words)
    if os.geteuid() != 0:
        print("gatewayctl: needs root: use sudo", file=sys.stderr)
        return 1
    try:
        return arguments.do(arguments)
    except (Fault, OSError) as error:
        # A full disk, for instance, or /run.
        print(f"gatewayctl: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
