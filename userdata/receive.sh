# Takes a release on standard input and applies it. The release brings the program that applies it, which is run from memory: nothing is
# left behind, however this ends.
set -eu
as_root=''
[ "$(id -u)" = 0 ] || as_root='sudo -n'
$as_root timeout --kill-after=120 1200 /usr/bin/python3 -B -c '
import hashlib, io, json, os, sys, zipfile
try:
    text = sys.stdin.buffer.read().decode()
    release = json.loads(text)
    hashed = hashlib.sha256()
    programs = io.BytesIO()
    with zipfile.ZipFile(programs, "w") as archive:
        for file in release["files"]:
            hashed.update("\0".join((file["path"], file["mode"], file["content"], "")).encode())
            if file["path"].endswith(".py"):
                archive.writestr(os.path.basename(file["path"]), file["content"])
    whole = hashed.hexdigest() == release["digest"] and "main.py" in archive.namelist()
except (ValueError, KeyError, TypeError, RecursionError):
    whole = False
if not whole:
    sys.exit("the release did not arrive whole; nothing was changed; deploy again")
memory = os.memfd_create("release")
os.write(memory, programs.getvalue())
sys.path.insert(0, f"/proc/self/fd/{memory}")
import main
sys.stdin = io.StringIO(text)
sys.exit(main.main(["apply"]))
'
