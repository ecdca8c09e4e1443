"""A release: which files shall stand on the machine. JSON {format, owner, machine, digest, files: [{path, mode, content}]}."""

import hashlib
import json
import os

from machine import CONFIG, STATE, Fault, beside, read, remove, say, stage, write
from place import ALLOWED, CONTROL

CURRENT = f"{STATE}/release.json"
PENDING = f"{STATE}/pending.json"

MODES = {"0600": 0o600, "0644": 0o644, "0755": 0o755}


class Release:
    """A whole and checked release."""

    def __init__(self, text):
        self.text = text
        try:
            data = json.loads(text)
            self.machine, self.digest = data["machine"], data["digest"]
            # Of a release from before there were owners: nobody's.
            self.owner = data.get("owner", "")
            if not isinstance(self.machine, str) or not isinstance(self.owner, str):
                raise TypeError
            self.files = {file["path"]: file["content"] for file in data["files"]}
            self.modes = {file["path"]: MODES[file["mode"]] for file in data["files"]}
            hashed = hashlib.sha256()
            for file in data["files"]:
                hashed.update("\0".join((file["path"], file["mode"], file["content"], "")).encode())
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Fault(f"the release did not arrive whole ({type(error).__name__}); nothing was changed; deploy again") from None
        if data.get("format") != 1:
            raise Fault(f"the release has format {data.get('format')}, this {CONTROL} knows 1; nothing was changed")
        if hashed.hexdigest() != self.digest:
            raise Fault("the release did not arrive whole (its digest differs); nothing was changed; deploy again")
        self.staged = {}

    def check_paths(self):
        """Raises Fault for a file outside of the places that this program writes to; for a release that arrives."""
        for path in self.files:
            if not ALLOWED.fullmatch(path) or os.path.normpath(path) != path:
                raise Fault(f"the release has a file where none of ours belongs: {path}; nothing was changed")

    def names(self, folder):
        """Of what has files of its own in a folder of the configuration, sorted: of the exits, of the resolvers."""
        start = f"{CONFIG}/{folder}/"
        return sorted({path[len(start) :].split("/")[0].removesuffix(".conf") for path in self.files if path.startswith(start)})

    @property
    def exits(self):
        return self.names("exits")

    def resolvers(self):
        """"direct", "host", "local", and each exit's."""
        return self.names("resolvers")

    def differing(self):
        """The paths that do not stand on the machine as the release says."""
        return {path for path, content in self.files.items() if read(path) != content or os.stat(path).st_mode & 0o777 != self.modes[path]}

    def stage(self):
        """Writes what differs beside its place, so that a full disk is noticed before anything was changed."""
        for path in sorted(self.differing()):
            self.staged[path] = stage(path, self.files[path], self.modes[path])

    def put(self, path):
        if path in self.staged:
            os.replace(self.staged.pop(path), path)
        else:
            write(path, self.files[path], self.modes[path])

    def unstage(self):
        """Takes away what was staged and not put in its place, also by a run that was killed."""
        for path in self.files:
            remove(beside(path))
        self.staged = {}


def stored(path):
    """The release kept at a path of the state, or None."""
    text = read(path)
    return Release(text) if text is not None else None


def store(path, release):
    os.makedirs(STATE, mode=0o700, exist_ok=True)
    write(path, release.text, 0o600)


def hand_over(owner):
    """Makes the release that stands on this machine another owner's. Raises Fault where there is none."""
    release = stored(CURRENT)
    if release is None:
        raise Fault("there is no release on this machine")
    write(CURRENT, json.dumps({**json.loads(release.text), "owner": owner}) + "\n", 0o600)
    say(f"the release of {release.owner or 'nobody'} belongs to {owner} now")
