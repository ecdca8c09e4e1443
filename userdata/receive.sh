# Takes a release on standard input and applies it. The release brings the program that applies it, which is unpacked from it first.
set -eu
as_root=''
[ "$(id -u)" = 0 ] || as_root='sudo -n'
$as_root timeout --kill-after=10 1200 /usr/bin/python3 -B -c '
import io, json, os, sys, tempfile
text = sys.stdin.read()
try:
    files = json.loads(text)["files"]
except (ValueError, KeyError, TypeError):
    sys.exit("the release did not arrive whole; nothing was changed; deploy again")
with tempfile.TemporaryDirectory(prefix="wg-gateway-", dir="/run") as place:
    for file in files:
        if file["path"].endswith(".py"):
            with open(os.path.join(place, os.path.basename(file["path"])), "w") as out:
                out.write(file["content"])
    sys.path.insert(0, place)
    import main
    sys.stdin = io.StringIO(text)
    sys.exit(main.main(["apply"]))
'
