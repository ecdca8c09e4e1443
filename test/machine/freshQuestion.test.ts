import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const folders = ["gatewayctl", "shared"].map((name) => join(__dirname, "../../userdata", name));

/** A dnsmasq whose upstreams, which refuse everything, are away while it is asked for the root's name servers, and then back. */
const PROGRAM = `
import json, socket, subprocess, sys, threading, time
sys.path[:0] = ${JSON.stringify(folders)}
import questions

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
away = True

def serve(server):
    while True:
        query, asker = server.recvfrom(512)
        if not away:
            server.sendto(query[:2] + b"\\x81\\x85" + query[4:], asker)

upstreams = [f"127.0.0.{number}" for number in (11, 12, 13, 14)]
for address in upstreams:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    threading.Thread(target=serve, args=(server,), daemon=True).start()
options = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=root", "--no-resolv", "--no-hosts", "--bind-interfaces"]
resolver = subprocess.Popen(["dnsmasq", *options, "--listen-address=127.0.0.1", *[f"--server={address}" for address in upstreams]])

def answers(question):
    return bool(questions.ask({"resolver": ("", "127.0.0.1", 53)}, question, 0.5))

try:
    # Until it listens; this one it answers itself.
    while not answers(("version.bind", 16, 3)):
        time.sleep(0.05)
    for _ in range(3):
        assert not answers(questions.ROOT)
        # What comes sooner it takes for the same question (dnsmasq's forward.c).
        time.sleep(1.7)
    away = False
    print(json.dumps({"root": answers(questions.ROOT), "fresh": answers(questions.fresh())}))
finally:
    resolver.kill()
`;

test("a resolver that asked in vain answers a fresh question as soon as its upstreams are back; control: not the same one", () => {
  const { stdout, stderr } = spawnSync("unshare", ["--net", "python3", "-B", "-c", PROGRAM], { encoding: "utf8" });
  expect({
    stderr: stderr.replace(/^dnsmasq.*\n/gm, ""),
    answers: stdout.trim() && (JSON.parse(stdout) as unknown),
  }).toEqual({
    stderr: "",
    answers: { root: false, fresh: true },
  });
});
