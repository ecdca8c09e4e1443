"""The EC2 and SSM of the lab: moto's server, and what the lab needs of them that moto does not do.

    python3 server.py FOLDER

FOLDER holds `world.json` (see world.py). The server writes there

    state.json   what the machines and the network must be like (see state.py), after each call that changes it
    calls.jsonl  each call: {"action": ..., "parameters": ...}, without user data

and reads `errors.json` before each call: [{"action": "RunInstances", "code": "...", "message": "..."}, ...]. The first entry of the
called action is answered in the place of the call, and is then gone from the file.
"""

import json
import urllib.parse
from io import BytesIO
from threading import Lock

from world import FOLDER, WORLD, furnish  # first: it sets what moto reads

import aws
from state import state

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


def write(name, value):
    draft = FOLDER / f"{name}.new"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(value))
    draft.rename(FOLDER / name)


class Recorder:
    """Between the callers and moto: one call after the other, written down, or answered with an error that somebody ordered."""

    def __init__(self, moto):
        self.moto, self.lock, self.last = moto, Lock(), None

    def record(self):
        now = state()
        if now != self.last:
            write("state.json", now)
            self.last = now

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        parameters = json.loads(body or b"{}") if target else dict(urllib.parse.parse_qsl(body.decode()))
        action = target.rpartition(".")[2] or parameters.get("Action", "")
        with self.lock:
            if not action:
                return self.moto(environ, start_response)
            shown = {key: value for key, value in parameters.items() if key not in ("Action", "Version", "UserData")}
            with (FOLDER / "calls.jsonl").open("a") as calls:
                calls.write(json.dumps({"action": action, "parameters": shown}) + "\n")
            error = ordered(action)
            if error:
                return refuse(error, bool(target), start_response)
            answer = list(self.moto(environ, start_response))
            self.record()
            return answer


def ordered(action):
    path = FOLDER / "errors.json"
    errors = json.loads(path.read_text()) if path.exists() else []
    for error in errors:
        if error["action"] == action:
            errors.remove(error)
            write("errors.json", errors)
            return error
    return None


def refuse(error, is_json, start_response):
    code, message = error["code"], error["message"]
    if is_json:
        kind, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    else:
        inner = f"<Code>{code}</Code><Message>{message}</Message>"
        kind, body = "text/xml", f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>lab</RequestID></Response>"
    start_response("400 Bad Request", [("Content-Type", kind)])
    return [body.encode()]


aws.apply()
furnish()
application = Recorder(DomainDispatcherApplication(create_backend_app))
application.record()
run_simple(WORLD["address"], WORLD["port"], application, threaded=True)
