import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { SettingsError } from "../../gateway/settings/fault";
import { parseStack, type ParsedStack } from "../../gateway/settings/settings";
import { NOW } from "./certificatesFixtures";
import { keepsInvariants } from "./fuzzInvariants";
import { mutated, type Json } from "./fuzzMutations";
import { keepsTunnelInvariants } from "./fuzzTunnelInvariants";
import { anyRaw, loginsOf, profiles } from "./gateways";
import { ec2, existing, hostKey, publicKey } from "./settingsFixtures";

const PASSWORD = "never-shown-password";

/** Every key there is, once. */
const full: Json = {
  host: { ...existing, user: "admin", port: 2222, privateKeyFile: "id", hostKey: "host.pub" },
  wireguard: { subnet: "10.4.0.0/24", port: 45822, mtu: 1420, keyVersion: 3 },
  clients: [
    { name: "laptop", address: "10.4.0.50", tunnel: "internal", keyVersion: 2 },
    { name: "phone", address: "10.4.0.200", publicKey: publicKey(9) },
  ],
  exits: [
    { name: "vpn", profile: "asks.ovpn", slot: 1 },
    { name: "nl", kind: "wireguard", profile: "wg.conf", slot: 7 },
  ],
  groups: [{ name: "any", members: ["vpn", "nl"], backAfter: 60 }],
  rules: [
    { from: "10.4.0.60", exit: "block" },
    { from: "10.4.0.200-10.4.0.210", protocol: "tcp", ports: [80, "443-445"], exit: "nl" },
    { during: { days: ["mon", "fri"], from: "09:00", to: "17:30", timeZone: "Europe/Berlin" }, exit: "vpn" },
    { from: "10.4.0.128/25", exit: "any" },
  ],
  dns: { upstreams: ["1.1.1.2", "8.8.8.8"], records: { "vault.raff.local": "10.4.0.7" } },
  localNetworks: ["10.0.0.0/16"],
  tunnels: [
    {
      name: "office",
      table: 77,
      route: "rule",
      endpoints: [
        { name: "one", host: { ...existing, address: "198.51.100.20" }, snat: "input" },
        { name: "two", host: ec2, services: [{ protocol: "tcp", ports: [443] }], keyVersion: 2 },
      ],
    },
  ],
  credentials: { vpn: { username: "customer", password: PASSWORD } },
};
const onEc2: Json = {
  ...full,
  host: { ...ec2, instanceType: "t4g.small", amiId: "ami-0123456789abcdef0", volumeSize: 8, tags: { team: "net" } },
};
const files = new Map(Object.entries({ ...profiles, id: "private", "host.pub": `${hostKey}\n` }));

const anyGood = anyRaw.map((raw): Json => {
  // Undefined is not JSON; a stack's file has no such keys.
  const whole = JSON.parse(JSON.stringify({ ...raw, host: ec2 })) as Record<string, Json>;
  return { ...whole, credentials: loginsOf(raw) as Json };
});
const anySettings = fc.oneof(
  { weight: 4, arbitrary: mutated(fc.constantFrom(full, onEc2)) },
  { weight: 2, arbitrary: mutated(anyGood) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json> },
);

/** As the program reads a stack: what it comes to, or its faults. @throws whatever is neither */
function read(value: Json): ParsedStack | SettingsError {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  const { credentials, ...raw } = isMap ? value : { credentials: undefined };
  try {
    return parseStack(isMap ? raw : value, { readFile: (path) => files.get(path), credentials, now: NOW });
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
}

/** Each fault says where, and what to do, in words of ours. */
function tells({ faults, message }: SettingsError, value: Json): void {
  expect(faults.length).toBeGreaterThan(0);
  for (const { allowed, mend } of faults) expect(allowed.length * mend.length).toBeGreaterThan(0);
  expect(message).not.toMatch(/Invalid (input|key)|Unrecognized|Too (small|big)|expected |\[object |undefined/);
  // A text is known for a secret by where it stands.
  const rest = { ...(Object(value) as object), credentials: undefined };
  if (!JSON.stringify(rest).includes(PASSWORD)) expect(message).not.toContain(PASSWORD);
}

describe("whatever a stack's settings are, they are refused with faults, or their plan keeps what must always hold:", () => {
  it("a good stack is taken, so that the changes are of something", () => {
    for (const value of [full, onEc2]) expect(read(value)).not.toBeInstanceOf(SettingsError);
  });

  it("settings", () => {
    let refused = 0;
    let taken = 0;
    const rulesets: string[] = [];
    fc.assert(
      fc.property(anySettings, (value) => {
        const stack = read(value);
        if (stack instanceof SettingsError) {
          refused += 1;
          tells(stack, value);
          return;
        }
        const { gateway, tunnels, credentials } = stack;
        const rendered = [
          ...(gateway ? keepsInvariants(gateway, credentials) : []),
          ...tunnels.flatMap(keepsTunnelInvariants),
        ];
        if (++taken % 20 === 0) rulesets.push(...rendered);
      }),
      { numRuns: 4000 },
    );
    expect(Math.min(refused, taken)).toBeGreaterThan(100);
    // Each in one transaction of one process, for that is what takes the time; each deletes the table of the one before.
    const { status, stderr } = spawnSync("unshare", ["--net", "nft", "-c", "-f", "-"], {
      input: rulesets.join("\n"),
      encoding: "utf8",
    });
    expect(`${status} ${stderr}`).toBe("0 ");
    expect(rulesets.length).toBeGreaterThan(20);
  });
});
