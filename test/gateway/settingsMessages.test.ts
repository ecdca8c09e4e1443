import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { faultText, SettingsError } from "../../gateway/settings/fault";
import { parseSettings } from "../../gateway/settings/settings";
import { NOW } from "./certificatesFixtures";
import { stackWith, wrongs } from "./settingsErrors";
import { ec2, existing, faultsOf, PROFILE, vpn, type Raw } from "./settingsFixtures";

const SECRET = "hunter2-is-no-password";
const login = { username: "someone", password: SECRET };

describe("no message shows", () => {
  const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${SECRET}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const profile = (text: string): [Raw, unknown, Record<string, string>] => [
    { host: ec2, exits: [vpn] },
    {},
    { "vpn.ovpn": text },
  ];
  const withClient = (part: Raw): Raw => ({ host: ec2, clients: [{ name: "a", address: "10.4.0.5", ...part }] });

  it.each<[string, Raw, unknown?, Record<string, string>?]>([
    ["credentials for no exit", { host: ec2 }, { vpn: login }],
    ["credentials of a wrong type", { host: ec2 }, { vpn: { ...login, password: [SECRET] } }],
    ["credentials in a text", { host: ec2 }, `someone:${SECRET}`],
    ["a password of two lines", { host: ec2, exits: [vpn] }, { vpn: { ...login, password: `${SECRET}\n` } }],
    ["a password under a mistyped key", { host: ec2, exits: [vpn] }, { vpn: { ...login, pasword: SECRET } }],
    ["a password in an exit", { host: ec2, exits: [{ ...vpn, password: SECRET }] }],
    ["a password in a map in place of a list", { host: ec2, exits: { ...vpn, password: SECRET } }],
    ["a password at the top", { host: ec2, credential: { vpn: login } }],
    ["a private key in place of a public one", withClient({ publicKey: `${SECRET}=` })],
    ["a client's private key", withClient({ privateKey: SECRET })],
    ["a private key in place of its path", { host: { ...existing, privateKeyFile: pem } }],
    ["a private key in place of the host key", { host: { ...existing, hostKey: pem } }],
    [
      "a private key in place of the host key, on one line",
      { host: { ...existing, hostKey: pem.replaceAll("\n", " ") } },
    ],
    ["a private key in place of a host", { host: pem }],
    [
      "a profile in place of its path",
      { host: ec2, exits: [{ ...vpn, profile: `${PROFILE}<key>\n${SECRET}\n</key>` }] },
    ],
    ["a key of a profile that is never closed", ...profile(`${PROFILE}<key>\n${SECRET}\n`)],
    ["a key of a profile in a mistyped block", ...profile(`${PROFILE}<Key>\n${SECRET}\n</Key>\n`)],
    ["a key of a profile that nothing opens", ...profile(`${PROFILE}${SECRET}\n</key>\n`)],
    ["a key of a profile that something follows", ...profile(`${PROFILE}<key>\n</key> \n${SECRET}\n</key>\n`)],
    ["the credentials in a profile", ...profile(`${PROFILE}<auth-user-pass>\nsomeone\n${SECRET}\n</auth-user-pass>\n`)],
    ["the value of a profile's bad line", ...profile(`${PROFILE}askpass ${SECRET}\nsecret ${SECRET}\nkey "${SECRET}`)],
  ])("%s", (_, raw, credentials, extra) => {
    const { message, faults } = faultsOf(raw, credentials, extra);
    expect(message).not.toBe("");
    expect(message).not.toContain(SECRET);
    expect(faults.map(({ allowed, mend }) => allowed + mend).join()).not.toContain(SECRET);
  });
});

it("every kind of message is in settingsMessages.txt, to be read as a whole", async () => {
  const messages = wrongs.map((wrong) => {
    const { credentials, ...raw } = stackWith(wrong);
    return faultsOf(raw, credentials).faults.map(faultText).join("\n");
  });
  await expect(`${[...new Set(messages)].join("\n")}\n`).toMatchFileSnapshot("settingsMessages.txt");
});

describe("whatever stands in the configuration", () => {
  const oneOf = (...values: unknown[]) => fc.oneof(fc.constantFrom(...values), fc.jsonValue({ maxDepth: 2 }));
  const text = fc.oneof(fc.ipV4(), fc.string(), fc.constantFrom("vpn", "direct", "10.4.0.0/24", "255.255.255.255/32"));
  const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });
  const rule = some({
    from: text,
    exit: text,
    protocol: oneOf("tcp", "udp", "icmp"),
    ports: fc.oneof(fc.array(oneOf(80, "1-9", "9-1")), fc.jsonValue()),
    during: fc.oneof(
      some({
        days: fc.array(oneOf("mon", "sun")),
        from: oneOf("09:00", "24:00"),
        to: oneOf("09:00", "24:00"),
        timeZone: oneOf("UTC"),
      }),
      fc.jsonValue(),
    ),
  });
  const anyRaw = fc.oneof(
    { weight: 1, arbitrary: fc.jsonValue() },
    {
      weight: 4,
      arbitrary: some({
        host: oneOf(ec2, existing, { kind: "ec2" }, { kind: 7 }, null),
        wireguard: fc.oneof(some({ subnet: text, port: fc.integer(), mtu: fc.double() }), fc.jsonValue()),
        exits: fc.oneof(
          fc.array(some({ name: text, profile: text, slot: fc.integer({ min: 0, max: 51 }) })),
          fc.jsonValue(),
        ),
        groups: fc.oneof(
          fc.array(some({ name: text, members: fc.oneof(fc.array(text), text), backAfter: fc.integer() })),
          fc.jsonValue(),
        ),
        rules: fc.oneof(fc.array(rule), fc.jsonValue()),
        clients: fc.oneof(fc.array(some({ name: text, address: text, publicKey: text })), fc.jsonValue()),
        dns: fc.oneof(some({ upstreams: fc.array(text), records: fc.dictionary(text, text) }), fc.jsonValue()),
        localNetworks: fc.oneof(fc.array(text), fc.jsonValue()),
      }),
    },
  );

  it("either is understood or ends in a SettingsError that names each fault", () => {
    fc.assert(
      fc.property(anyRaw, fc.oneof(fc.jsonValue(), fc.constant(undefined)), text, (raw, credentials, file) => {
        try {
          parseSettings(raw, { readFile: (path) => (path.length % 2 === 0 ? file : undefined), credentials, now: NOW });
        } catch (error) {
          if (!(error instanceof SettingsError)) throw error;
          expect(Math.min(...error.faults.flatMap(({ allowed, mend }) => [allowed.length, mend.length]))).toSatisfy(
            (shortest: number) => shortest > 3 && Number.isFinite(shortest),
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});
