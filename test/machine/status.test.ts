import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { python } from "./python";

describe("the ways of a client that count now", () => {
  const selected = {
    "group-any": "nl",
    "group-off": "none",
    "group-new": null,
    "window-1": "open",
    "window-2": "closed",
  };
  it.each([
    ["direct", "direct"],
    ["any", "nl"],
    ["off", "block"],
    ["new", "block"],
    ["tcp:80,443=any;vpn", "tcp:80,443=nl;vpn"],
    ["window-1=block;direct", "block"],
    ["window-2=block;direct", "direct"],
    ["udp@window-1=vpn;tcp:80@window-2=any;icmp=off;direct", "udp=vpn;icmp=block;direct"],
    ["window-2=vpn;window-1=any;direct", "nl"],
    ["", ""],
  ])("%s: %s", (ways, now) => {
    expect(python("import status\nresult = status.ways_now(*data)", [ways, selected])).toBe(now);
  });
});

test("clients are in the order of their addresses, whatever order `wg` has", () => {
  const addresses = ["10.4.0.100/32", "(none)", "10.4.0.9/32", "fd00::9/128", "10.4.0.50/32", "10.4.1.2/32"];
  const dump = ["private\tpublic\t45822\toff"].concat(
    addresses.map((one, index) => `KEY${index}=\t(none)\t(none)\t${one}\t0\t0\t0\toff`),
  );
  const program = `
import selection, status
status.run, selection.clients = lambda *words, check: data, lambda: []
result = [one["address"] for one in status.client_reports({})]`;
  expect(python(program, dump.join("\n"))).toEqual([
    ...["10.4.0.9", "10.4.0.50", "10.4.0.100", "10.4.1.2"],
    "fd00::9",
    "(none)",
  ]);
});

describe("the whole in a word", () => {
  const healthy = {
    open: true,
    drift: [] as string[],
    exits: [{ running: true, well: true }],
    resolvers: [{ answers: true }],
    selected: { "group-any": "vpn", "window-1": "closed" } as Record<string, string | null>,
  };
  it.each<[string, Partial<typeof healthy>, string]>([
    ["all is healthy", {}, "running"],
    ["there is nothing but resolvers", { exits: [], selected: {} }, "running"],
    ["an exit is unhealthy", { exits: [{ running: true, well: false }] }, "degraded"],
    ["an exit does not run, whatever was seen of it", { exits: [{ running: false, well: true }] }, "degraded"],
    ["a resolver does not answer", { resolvers: [{ answers: true }, { answers: false }] }, "degraded"],
    ["a group is blocked", { selected: { "group-any": "none" } }, "degraded"],
    ["a group was never selected", { selected: { "group-any": null } }, "degraded"],
    ["something differs", { drift: ["file x is missing"] }, "degraded"],
    ["no client gets out", { open: false, drift: ["file x is missing"] }, "shut"],
  ])("%s: %s", (_, differs, word) => {
    expect(python("import status\nresult = status.state(data)", { ...healthy, ...differs })).toBe(word);
  });
});

describe("a transparent tunnel in a word", () => {
  const peers = [{ heard: true }, { heard: true }];
  it.each([
    ["every peer is heard", { up: true, health: "watching", peers }, "running"],
    ["a peer is not heard", { up: true, health: "watching", peers: [...peers, { heard: false }] }, "degraded"],
    ["nobody listens", { up: true, health: "not running", peers }, "degraded"],
    ["the interface is down", { up: false, health: "watching", peers }, "down"],
  ])("%s", (_, shown, word) => {
    expect(python("import status\nresult = status.state(data)", shown, "tunnelctl")).toBe(word);
  });
});

describe("for people", () => {
  it.each([
    [null, "-"],
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [61, "1 min 1 s"],
    [3600, "1 h"],
    [3661, "1 h 1 min"],
    [90_000, "1 d 1 h"],
    [86_400 * 30 + 59, "30 d"],
  ])("%s seconds are %s", (seconds, text) => {
    expect(python("import layout\nresult = layout.duration(data)", seconds)).toBe(text);
  });

  it.each([
    [null, "-"],
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1_500_000_000, "1.4 GiB"],
    [2 ** 60, "1048576.0 TiB"],
  ])("%s bytes are %s", (bytes, text) => {
    expect(python("import layout\nresult = layout.size(data)", bytes)).toBe(text);
  });

  const shown = {
    release: "0123456789ab",
    drift: [] as string[],
    open: true,
    uptime: 4000,
    selected: { "group-any": "nl", "window-1": "closed" },
    exits: [
      {
        name: "vpn",
        health: "ill",
        healthFor: 20,
        running: true,
        uptime: 300,
        tunnelAddress: null,
        publicAddress: null,
        receivedBytes: null,
        sentBytes: null,
        lastError: "AUTH_FAILED",
        log: "/var/log/openvpn-ns.log",
      },
      {
        name: "nl",
        health: "well",
        healthFor: 200,
        running: true,
        uptime: 300,
        tunnelAddress: "10.9.0.2",
        publicAddress: "203.0.113.30",
        receivedBytes: 5000,
        sentBytes: 10,
        lastError: null,
        log: "/var/log/openvpn-ns-nl.log",
      },
    ],
    resolvers: [{ name: "host", listens: ["127.0.0.1:53", "10.4.0.1:53"], running: true, answers: true, uptime: 4000 }],
    clients: [
      {
        publicKey: "KEY=",
        name: "phone",
        address: "10.4.0.200",
        ways: "any",
        exit: "nl",
        lastHandshake: 5,
        received: 3464,
        sent: 1816,
        endpoint: "198.51.100.7:1234",
      },
      {
        publicKey: "KEY=",
        name: "tv",
        address: "10.4.0.201",
        ways: "any",
        exit: "nl",
        lastHandshake: null,
        received: 0,
        sent: 0,
        endpoint: null,
      },
    ],
  };
  const text = (data: unknown, colours = false): string =>
    python("import layout\nresult = layout.text(*data)", [data, colours]);

  test("the status is columns", () => {
    expect(text(shown)).toBe(`release 0123456789ab: the machine is as it says; up 1 h 6 min
rules: \`nft list table inet wg_gateway\`; \`iptables -L\` shows none of them

EXIT  HEALTH           UP     TUNNEL ADDRESS  PUBLIC ADDRESS  RECEIVED  SENT
vpn   ILL 20 s         5 min  no tunnel       not told        -         -
nl    well 3 min 20 s  5 min  10.9.0.2        203.0.113.30    4.9 KiB   10 B
last error of vpn: AUTH_FAILED (/var/log/openvpn-ns.log)

RESOLVER  STATE    UP         LISTENS ON
host      answers  1 h 6 min  127.0.0.1:53 10.4.0.1:53

SELECTED   NOW
group-any  nl
window-1   closed

CLIENT  ADDRESS     EXIT NOW  HANDSHAKE  RECEIVED  SENT     FROM
phone   10.4.0.200  nl        5 s ago    3.4 KiB   1.8 KiB  198.51.100.7:1234
tv      10.4.0.201  nl        never      0 B       0 B      -`);
  });

  test("it tells drift and shut rules, and what there is none of is left out", () => {
    const bare = { ...shown, exits: [], clients: [], selected: {}, drift: ["a", "b"], open: false };
    expect(text(bare)).toBe(`release 0123456789ab: 2 differences (gatewayctl check); SHUT: no client gets out
rules: \`nft list table inet wg_gateway\`; \`iptables -L\` shows none of them

RESOLVER  STATE    UP         LISTENS ON
host      answers  1 h 6 min  127.0.0.1:53 10.4.0.1:53`);
  });

  test("with colours it is the same text", () => {
    const coloured = text({ ...shown, drift: ["a"] }, true);
    expect(coloured).toContain("\u001b[31mILL 20 s\u001b[0m");
    // eslint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(text({ ...shown, drift: ["a"] }));
  });
});

describe("a question of DNS", () => {
  /** An answer to WHOAMI as hexadecimal digits: header, question, and one answer whose name points to the question's. */
  const answer = (kind: number, data: Buffer) =>
    Buffer.concat([
      Buffer.from("1234818000010001000000000677686f616d690a636c6f7564666c6172650000100003c00c", "hex"),
      Buffer.from([0, kind, 0, 3, 0, 0, 0, 0, 0, data.length]),
      data,
    ]).toString("hex");
  const texts = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const seen = (messages: string[]): (string | null)[] =>
    python("import questions\nresult = [questions.address_seen(bytes.fromhex(one)) for one in data]", messages);

  test("fresh: asked never before, and by RFC 6761 nobody's", () => {
    const names = python<string[]>("import questions\nresult = [questions.fresh()[0] for _ in range(1000)]", null);
    expect(new Set(names).size).toBe(1000);
    expect(names.filter((name) => !/^[0-9a-f]{12}\.wg-gateway\.invalid$/.test(name))).toEqual([]);
  });

  test("whoami: the address in the answer, or none", () => {
    expect(
      seen([
        answer(16, texts("203.0.113.20")),
        answer(16, texts("not an address")),
        answer(16, texts("2001:db8::1")),
        answer(1, Buffer.from([203, 0, 113, 20])),
        answer(16, texts("203.0.113.20")).slice(0, -6),
        "1234818500010000000000000677686f616d690a636c6f7564666c6172650000100003",
      ]),
    ).toEqual(["203.0.113.20", null, null, null, null, null]);
  });

  test("whoami: whatever comes back, it is an address or none", () => {
    const bytes = fc.uint8Array({ minLength: 12, maxLength: 80 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 200, maxLength: 200 }), (messages) => {
        const cut = (whole: string, at: number) => whole.slice(0, 2 * (12 + (at % 60)));
        const whole = answer(16, texts("203.0.113.20"));
        const all = messages.map(
          (message, index) => Buffer.from(message).toString("hex") + (index % 2 ? cut(whole, index) : ""),
        );
        expect(seen(all).filter((one) => one !== null && !/^\d+\.\d+\.\d+\.\d+$/.test(one))).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });

  test("is answered by those who do, with the number it was asked by; the others are not waited for longer than said", () => {
    const result = python(
      `
import questions, socket, threading, time
def server(reply):
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(("127.0.0.1", 0))
    def serve():
        query, whom = asked.recvfrom(512)
        for message in reply(query):
            asked.sendto(message, whom)
    threading.Thread(target=serve, daemon=True).start()
    return "127.0.0.1", *asked.getsockname()
whom = {
    "good": server(lambda query: [query[:2] + b"\\x81\\x80" + query[4:]]),
    "late": server(lambda query: [bytes([query[0] ^ 1]) + query[1:], query]),
    "wrong": server(lambda query: [bytes([query[0] ^ 1]) + query[1:], b"x"]),
    "silent": server(lambda query: []),
    "closed": ("127.0.0.1", "127.0.0.1", 1),
    "nowhere": ("192.0.2.1", "127.0.0.1", 53),
}
result = sorted(questions.ask(whom, questions.ROOT, 1))`,
      null,
    );
    expect(result).toEqual(["good", "late"]);
  });
});
