import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderRelease } from "../../gateway/render/bundle";
import { renderEndpointFiles } from "../../gateway/render/tunnel";
import { documentedTunnel, plansOf, secretsOf } from "../gateway/tunnels";
import type { Raw } from "../gateway/settingsFixtures";
import { python } from "./python";
import { MODEL, releases } from "./releases";

const userdata = join(__dirname, "../../userdata");

describe("a gateway's next release, on a model of the machine", () => {
  /** What `then` leaves as `result`; `texts` are the releases, `refused` says why one is not taken. */
  const on = <T>(then: string): T =>
    python(
      `${MODEL}
texts = data["releases"]
def refused(text):
    try:
        transaction.apply(text, steps)
        return "it was not refused"
    except machine.Fault as fault:
        return str(fault)
${then}
os.fchdir(home)
os.chroot(".")
shutil.rmtree(root)
`,
      { releases },
    );

  it("is refused where it needs something that is somebody's, all of it named, and nothing changes", () => {
    const [said, different, after] = on<[string, string[], string]>(`
fresh(texts[0])
plant("/run/netns/vpn_ns_nl")
plant("/sys/class/net/veth-wg-4")
m.foreign_rules = ["208:\\tfrom 192.0.2.9 lookup 77", "7000:\\tfrom 192.0.2.9 lookup 204"]
m.foreign_routes = {"203": ["blackhole 192.0.2.77"]}
m.foreign_ports = ["45999"]
before = json.loads(json.dumps(shot()[:-3]))
said = refused(texts[1])
different = differences(before, json.loads(json.dumps(shot()[:-3])))
machine.remove("/run/netns/vpn_ns_nl")
machine.remove("/sys/class/net/veth-wg-4")
m.foreign_rules, m.foreign_routes, m.foreign_ports = [], {}, []
result = [said, different, attempt(texts[1])]`);
    expect(said.split("\n  ").sort()).toEqual(
      [
        "the machine is not free; nothing was changed",
        "UDP port 45999 is in use by 0.0.0.0:45999: choose another wireguard.port",
        "a network namespace vpn_ns_nl is there and is not the gateway's",
        "an interface veth-wg-4 is there and is not the gateway's",
        "routing table 204 is somebody's: 7000: from 192.0.2.9 lookup 204; choose another slot for the exit",
        "the ip rule priority 208 is somebody's: 208: from 192.0.2.9 lookup 77",
        "routing table 203 is somebody's: blackhole 192.0.2.77; choose another slot for the exit",
      ].sort(),
    );
    expect(different).toEqual([]);
    expect(after).toBe("done");
  });

  it("is taken where all that it needs is the release's before, whatever else is at the same numbers", () => {
    const said = on<string>(`
fresh(texts[0])
m.foreign_rules = ["200:\\tfrom 192.0.2.9 lookup 200"]
result = attempt(texts[2])`);
    expect(said).toBe("done");
  });

  it("is taken where it is that of an interrupted one that could not be gone back from", () => {
    const said = on<string[]>(`
fresh(texts[0])
attempt(texts[1], "count")
last = m.done
fresh(texts[0])
switch = steps.switch
def fail(*releases):
    steps.switch = switch
    raise machine.Fault("it fails")
how = attempt(texts[1], "kill", last)
steps.switch = fail
result = [how, attempt(texts[1]), str(os.path.exists(bundle.PENDING))]`);
    expect(said).toEqual(["killed", "done", "False"]);
  });
});

describe("a tunnel's next release", () => {
  const releaseOf = (raw: Raw): string => {
    const plan = plansOf({ ...documentedTunnel, ...raw })[0]!;
    return renderRelease({ machine: "m", owner: "o/p/s/tunnel" }, renderEndpointFiles(plan, secretsOf(plan)));
  };
  /** What of `next` is asked about when everything is somebody's, with `ours` on the machine. */
  const asked = (next: Raw, ...ours: Raw[]): string[] =>
    python(
      `
import apply, re
from bundle import Release
apply.os.path.exists = lambda path: True
apply.links_named = apply.listeners = lambda wanted: ["X"]
apply.table_users = lambda wanted: ["X"]
apply.address_users = lambda wanted, ours: ["X"]
apply.priority_users = lambda wanted: [(one, "X") for one in sorted(wanted)]
apply.shutil.which = lambda name: name
apply.run = lambda *words, check: "table inet wg_tunnel\\n"
result = [line.split(" is ")[0] for line in apply.conflicts(Release(data[0]), [Release(one) for one in data[1]])]`,
      [releaseOf(next), ours.map(releaseOf)],
      "tunnelctl",
    );

  it("asks about everything at first", () => {
    expect(asked({})).toEqual([
      "/etc/wireguard/wg0.conf",
      "an interface wg0",
      "UDP port 51821",
      "the ip rule priority 455",
      "the ip rule priority 456",
      "the WireGuard address 10.0.0.1/30",
      "the WireGuard address 10.0.0.2",
      "routing table 123",
      "an nft table inet wg_tunnel",
    ]);
  });

  it.each<[string, Raw, string[]]>([
    ["nothing", {}, []],
    ["the interface", { interface: "wg7" }, ["/etc/wireguard/wg7.conf", "an interface wg7"]],
    ["the table", { table: 124 }, ["routing table 124"]],
    ["the priority, by one", { priority: 456 }, ["the ip rule priority 457"]],
    [
      "how WireGuard addresses are reached",
      { route: "rule" },
      ["the ip rule priority 457", "the WireGuard address 10.0.0.1/32"],
    ],
    ["the network", { network: "10.0.0.0/24" }, ["the WireGuard address 10.0.0.1/24"]],
    [
      "an endpoint's address and port",
      {
        endpoints: documentedTunnel.endpoints.map((one) => ({
          ...one,
          ...(one.name === "a" ? { address: "10.0.0.3", listenPort: 51900 } : {}),
        })),
      },
      ["UDP port 51900", "the WireGuard address 10.0.0.3/29"],
    ],
  ])("asks only about what is new: %s", (_, next, expected) => {
    expect(asked(next, {})).toEqual(expected);
    expect(asked(next, {}, next)).toEqual([]);
  });
});

it("a route of ours is nobody's who has an address", () => {
  const users = python<string[][]>(
    `
import taken
taken.run = lambda *words, check: "10.0.0.0/30 dev wg0 proto kernel scope link src 10.0.0.1\\n10.0.0.0/24 dev eth7 proto kernel\\n" if "match" in words else ""
taken.read = lambda path: ""
result = [taken.address_users("10.0.0.1/29", ours) for ours in ([], ["wg0"])]`,
    null,
  );
  expect(users).toEqual([
    [
      "the route 10.0.0.0/30 dev wg0 proto kernel scope link src 10.0.0.1",
      "the route 10.0.0.0/24 dev eth7 proto kernel",
    ],
    ["the route 10.0.0.0/24 dev eth7 proto kernel"],
  ]);
});

it("an interface is there with an address and without", () => {
  const program = `import sys; sys.path[:0] = ["${userdata}/tunnelctl", "${userdata}/shared"]; import taken; print([taken.links_named(name) for name in ("wg7", "wg8", "wg9")])`;
  const script = `ip link add wg7 type veth peer name wg8; ip address add 10.7.7.1/24 dev wg7; python3 -B -c '${program}'`;
  const { stdout } = spawnSync("unshare", ["--net", "bash", "-euc", script], { encoding: "utf8" });
  expect(stdout).toBe("[['wg7@wg8 10.7.7.1/24'], ['wg8@wg7'], []]\n");
});
