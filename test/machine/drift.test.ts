import { describe, expect, it, test } from "vitest";
import { python } from "./python";

/** What each of the inputs leads to. */
const all = <T>(module: string, call: string, inputs: unknown[]): T[] =>
  python<T[]>(`import ${module}\nresult = [${module}.${call}(*one) for one in data]`, inputs);

test("a route is the same in our file and as the kernel shows it, and another one is another", () => {
  const keys = all<string>(
    "drift",
    "route_key",
    [
      "default via 10.200.1.2 dev veth-wg table 200 protocol 45",
      "default via 10.200.1.2 dev veth-wg proto 45 linkdown",
      "unreachable default metric 4294967295 table 200 protocol 45",
      "unreachable default proto 45 metric 4294967295",
      "default dev tun0 scope link",
      "10.200.1.0/24 dev veth-vpn proto kernel scope link src 10.200.1.2",
    ].map((line) => [line]),
  );
  expect(keys).toEqual([
    "default via 10.200.1.2 dev veth-wg",
    "default via 10.200.1.2 dev veth-wg",
    "unreachable default metric 4294967295",
    "unreachable default metric 4294967295",
    "default dev tun0",
    "10.200.1.0/24 dev veth-vpn",
  ]);
});

describe("a link", () => {
  const link = (changes: Record<string, unknown> = {}) => ({
    ifname: "wg0",
    flags: ["UP", "LOWER_UP"],
    mtu: 1420,
    addr_info: [
      { family: "inet", local: "10.4.0.1", prefixlen: 24 },
      { family: "inet6", local: "fe80::1", prefixlen: 64 },
    ],
    ...changes,
  });
  const found = (shown: unknown): [string, string[][]][] =>
    python(
      `
import drift
drift.run = lambda *words, check: undone.append(words)
result = []
for one in drift.link_drift("wg0", ("ip",), data, 1420, ["10.4.0.1/24"]):
    undone = []
    [step() for step in one.undo]
    result.append([one, undone])`,
      shown,
    );

  it.each([
    ["as released", {}, []],
    ["down", { flags: [] }, [["wg0 is down", ["ip link set wg0 up"]]]],
    ["narrow", { mtu: 1280 }, [["wg0 has the MTU 1280, not 1420", ["ip link set wg0 mtu 1420"]]]],
    [
      "at another address",
      { addr_info: [{ family: "inet", local: "10.4.0.2", prefixlen: 24 }] },
      [
        ["wg0 lacks its address 10.4.0.1/24", ["ip address replace 10.4.0.1/24 dev wg0"]],
        ["wg0 has the surplus address 10.4.0.2/24", ["ip address del 10.4.0.2/24 dev wg0"]],
      ],
    ],
  ])("%s", (_, changes, expected) => {
    expect(found(link(changes)).map(([line, undo]) => [line, undo.map((words) => words.join(" "))])).toEqual(expected);
  });
});

describe("an nft table", () => {
  const rule = (chain: string, text: string) => ({ rule: { chain, expr: [text] } });
  const chain = (name: string, policy?: string) => ({ chain: { name, policy } });
  const set = (name: string, ...elem: string[]) => ({ set: { name, type: "ipv4_addr", elem } });
  const base = [chain("a", "drop"), rule("a", "1"), rule("a", "2"), set("s", "x", "y")];

  it.each<[string, unknown, string[]]>([
    ["the same", base, []],
    ["none", null, ["T is missing"]],
    ["a rule less", [base[0], base[1], base[3]], ["T is not as released: chain a: 1 missing"]],
    ["a rule more", [...base, rule("a", "3")], ["T is not as released: chain a: 1 surplus"]],
    ["another order", [base[0], base[2], base[1], base[3]], ["T is not as released: chain a: another order"]],
    ["another policy", [chain("a"), ...base.slice(1)], ["T is not as released: chain a: 1 missing, 1 surplus"]],
    [
      "an element changed",
      [...base.slice(0, 3), set("s", "x", "z")],
      ["T is not as released: set s: 1 missing, 1 surplus"],
    ],
    ["a chain more", [...base, chain("b")], ["T is not as released: chain b is surplus"]],
    ["a set less", base.slice(0, 3), ["T is not as released: set s is missing"]],
    [
      "much more",
      [...base, ...["b", "c", "d", "e", "f", "g"].map((name) => chain(name))],
      [
        "T is not as released: chain b is surplus; chain c is surplus; chain d is surplus; chain e is surplus; and 2 more",
      ],
    ],
  ])("%s", (_, found, expected) => {
    expect(python('import drift\nresult = list(drift.ruleset_drift("T", *data))', [found, base])).toEqual(expected);
  });
});

describe("wg0", () => {
  const file = `[Interface]
Address = 10.4.0.1/24
ListenPort = 45822
PrivateKey = GATEWAY=
MTU = 1420
Table = off

[Peer]
PublicKey = LAPTOP=
PresharedKey = SHARED1=
AllowedIPs = 10.4.0.50/32

[Peer]
PublicKey = PHONE=
PresharedKey = SHARED2=
AllowedIPs = 10.4.0.200/32
`;
  const shown = `[Interface]
ListenPort = 45822
PrivateKey = GATEWAY=

[Peer]
PublicKey = PHONE=
PresharedKey = SHARED2=
AllowedIPs = 10.4.0.200/32
Endpoint = 198.51.100.7:1234

[Peer]
PublicKey = LAPTOP=
PresharedKey = SHARED1=
AllowedIPs = 10.4.0.50/32
`;
  const found = (running: string): string[] =>
    python(
      `
import wireguard
wireguard.run = lambda *words, check: data[1]
names = {"10.4.0.50/32": "laptop", "10.4.0.200/32": "phone"}
link = {"ifname": "wg0", "flags": ["UP"], "mtu": 1420, "addr_info": [{"family": "inet", "local": "10.4.0.1", "prefixlen": 24}]}
result = list(wireguard.interface_drift("wg0", "wg-quick@wg0.service", data[0], {"wg0": link}, names))`,
      [file, running],
    );

  it.each([
    ["is its file, whatever else wg shows", shown, []],
    ["has another port", shown.replace("45822", "1"), ["wg0 listens on another port than released"]],
    ["has another key", shown.replace("GATEWAY", "OTHER"), ["wg0 has another key than released"]],
    [
      "lacks one and has another",
      shown.replace("PHONE", "OTHER"),
      ["wg0 lacks the peer phone (PHONE=)", "wg0 has the surplus peer OTHER="],
    ],
    [
      "has a client at another address",
      shown.replace("10.4.0.50/32", "10.4.0.51/32, 10.4.0.52/32"),
      ["wg0's peer laptop has the addresses 10.4.0.51/32, 10.4.0.52/32, not 10.4.0.50/32"],
    ],
    [
      "has another secret with one",
      shown.replace("SHARED1", "OTHER"),
      ["wg0's peer laptop has another preshared key than released"],
    ],
    [
      "has other signs and marks",
      shown.replace("PrivateKey", "FwMark = 0x1\nPrivateKey").replace("SHARED1=", "SHARED1=\nPersistentKeepalive = 25"),
      ["wg0 marks its packets otherwise than released", "wg0's peer laptop has another keepalive than released"],
    ],
    [
      "has none of it",
      "",
      [
        "wg0 listens on another port than released",
        "wg0 has another key than released",
        "wg0 lacks the peer laptop (LAPTOP=)",
        "wg0 lacks the peer phone (PHONE=)",
      ],
    ],
  ])("%s", (_, running, expected) => {
    expect(found(running)).toEqual(expected);
    expect(found(running).join()).not.toMatch(/SHARED|GATEWAY/);
  });

  /** The commands by which a running interface is made what a file says, with what they read. */
  const told = (text: string, running: string) =>
    python<[string, string | null][]>(
      `
import wireguard
result = []
def run(*words, stdin=None):
    if words[1] == "showconf":
        return data[1]
    result.append([" ".join(words), stdin])
wireguard.run = run
wireguard.synchronise("wg0", data[0])`,
      [text, running],
    );
  const phone = "[Peer]\nPublicKey = PHONE=\nPresharedKey = SHARED2=\nAllowedIPs = 10.4.0.200/32\n";
  it.each<[string, string, [string, string | null][]]>([
    ["is right: nothing", shown, []],
    [
      "lacks one and has another: these two",
      shown.replace("PHONE", "OTHER"),
      [
        ["wg set wg0 peer OTHER= remove", null],
        ["wg addconf wg0 /dev/stdin", `[Interface]\n${phone}`],
      ],
    ],
    [
      "has a client at another address: this one",
      shown.replace("10.4.0.200/32", "10.4.0.51/32"),
      [["wg addconf wg0 /dev/stdin", `[Interface]\n${phone}`]],
    ],
    [
      "has another port, and a mark: these two",
      shown.replace("45822", "1").replace("PrivateKey", "FwMark = 0x1\nPrivateKey"),
      [["wg addconf wg0 /dev/stdin", "[Interface]\nListenPort = 45822\nFwMark = off\n"]],
    ],
  ])("is told what differs, and of no peer that is right; it %s", (_, running, expected) => {
    expect(told(file, running)).toEqual(expected);
  });

  it("is told of a peer whose endpoint is another than its file has, where that has one", () => {
    const here = file + "Endpoint = 198.51.100.7:1234\n";
    expect(told(here, shown)).toEqual([]);
    expect(told(here, shown.replace(":1234", ":9"))).toEqual([
      ["wg addconf wg0 /dev/stdin", `[Interface]\n${phone}Endpoint = 198.51.100.7:1234\n`],
    ]);
  });
});

test("a unit that is not active, or does not begin at boot, is told", () => {
  const lines = python<string[]>(
    `
import systemd
result = list(systemd.unit_drift(data, ["a.service", "b.service"]))`,
    {
      "a.service": { ActiveState: "active", UnitFileState: "enabled" },
      "b.service": { ActiveState: "active", UnitFileState: "disabled" },
      "c.service": { ActiveState: "failed", UnitFileState: "static" },
      "d.service": { ActiveState: "inactive", UnitFileState: "masked" },
    },
  );
  expect(lines).toEqual([
    "unit b.service is not enabled: it does not start at boot",
    "unit c.service is not active (failed)",
    "unit d.service is masked",
  ]);
});

test("units are told apart, and how long each has been up", () => {
  const shown =
    "MainPID=0\nId=a.service\nActiveState=active\nActiveEnterTimestampMonotonic=5000000\n\nId=b.service\nActiveState=failed\nActiveEnterTimestampMonotonic=0\n";
  const result = python(
    `
import types, systemd
systemd.time = types.SimpleNamespace(monotonic=lambda: 65.2)
states = systemd.parse(data)
result = [[name, systemd.is_active(state), systemd.uptime(state)] for name, state in states.items()]`,
    shown,
  );
  expect(result).toEqual([
    ["a.service", true, 60],
    ["b.service", false, null],
  ]);
});

test("where a resolver listens is read from its configuration", () => {
  const config = "port=5353\nno-resolv\nlisten-address=127.0.0.1\nlisten-address=10.4.0.1\nserver=1.1.1.2@10.200.1.1\n";
  expect(all("preflight", "listens_on", [[config], ["listen-address=10.4.0.1\n"], [""]])).toEqual([
    [
      ["127.0.0.1", 5353],
      ["10.4.0.1", 5353],
    ],
    [["10.4.0.1", 53]],
    [],
  ]);
});
