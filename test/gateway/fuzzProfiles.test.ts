import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planGateway } from "../../gateway/plan/plan";
import { renderOpenVpn } from "../../gateway/render/openvpn";
import { SettingsError } from "../../gateway/settings/fault";
import type { OpenVpnProfile } from "../../gateway/settings/profile";
import { optionNames, optionRules } from "../../gateway/settings/profileOptions";
import { CA, CUSTOMER, CUSTOMER_KEY, STATIC_KEY } from "./certificatesFixtures";
import { keepsInvariants } from "./fuzzInvariants";
import { readConfig } from "./openvpnReader";
import { ec2, parse, publicKey } from "./settingsFixtures";

/** Key material, which no message may show. */
const SECRET = CUSTOMER_KEY.split("\n")[1]!;
const unused = optionNames.filter((name) => /refused|dropped/.test(optionRules.get(name)?.treatment ?? ""));
const WIREGUARD_KEY = Buffer.alloc(32, 0x51).toString("base64");

const openvpn = `# A provider's file
client
dev tun
proto udp
remote nl.provider.example 1194
remote 203.0.113.40 443 tcp
resolv-retry infinite
nobind
persist-key
remote-cert-tls server
cipher AES-256-GCM
auth SHA256
verify-x509-name nl.provider.example name
auth-user-pass
${CA}${CUSTOMER}<tls-crypt>
${STATIC_KEY}
</tls-crypt>
`;
const wireguard = `[Interface]
PrivateKey = ${WIREGUARD_KEY}
Address = 10.64.0.7/32, fc00::7/128
DNS = 10.64.0.1
MTU = 1380

[Peer]
PublicKey = ${publicKey(7)}
PresharedKey = ${WIREGUARD_KEY}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = wg.provider.example:51820
PersistentKeepalive = 25
`;

const anyLine = fc.oneof(
  fc.constantFrom(...unused).map((option) => `${option} /bin/sh`),
  fc.constantFrom(...[...openvpn.split("\n"), ...wireguard.split("\n")]),
  fc.constantFrom("PostUp = id", "[Peer]", "</ca>", "<connection>", "<ca>", "remote ::1 1 udp6", "Endpoint = [::1]:5"),
  fc.string({ maxLength: 20 }),
);
const anyPiece = fc.oneof(
  fc.constantFrom(
    "\n",
    "\r",
    "\0",
    "\\",
    '"',
    "'",
    "#",
    ";",
    "<",
    "=",
    "\uFEFF",
    "\u2028",
    "\u00a0",
    "[inline]",
    "9",
    "",
  ),
  fc.string({ unit: "binary", maxLength: 3 }),
);
type Bend = (text: string) => string;

/** A line in the place of another, added, taken away or moved; a few characters anywhere; the end cut off. */
const anyBend = fc
  .record({ how: fc.nat({ max: 5 }), at: fc.nat(), to: fc.nat(), line: anyLine, piece: anyPiece })
  .map(({ how, at, to, line, piece }): Bend => (text) => {
    const rows = text.split("\n");
    const row = at % rows.length;
    const place = at % (text.length + 1);
    if (how === 0) rows[row] = line;
    else if (how === 1) rows.splice(row, 0, line);
    else if (how === 2) rows.splice(row, 1);
    else if (how === 3) rows.splice(to % rows.length, 0, ...rows.splice(row, 1));
    else if (how === 4) return text.slice(0, place) + piece + text.slice(place + (to % 2));
    else return to % 4 === 0 ? text.slice(0, place) : text + line;
    return rows.join("\n");
  });
const bent = (text: string) =>
  fc.array(anyBend, { minLength: 1, maxLength: 3 }).map((all) => all.reduce((so, bend) => bend(so), text));

/** What a client's configuration is for OpenVPN. @param provider undefined for ours alone */
const optionsOf = (lines: readonly string[]): string[] => {
  const provider: OpenVpnProfile = { kind: "openvpn", remotes: [], wantsCredentials: true, mssfix: "1450", lines };
  const { settings } = parse({ host: ec2, exits: [{ name: "vpn", profile: "vpn.ovpn" }] });
  const [exit] = planGateway(settings).exits;
  return readConfig(renderOpenVpn(exit!, provider)).map(({ name, parameters }) =>
    ["up", "script-security", "route-noexec", "pull-filter", "dev", "log-append"].includes(name)
      ? `${name} ${parameters.join(" ")}`
      : name,
  );
};
const ours = optionsOf([]);

const credentials = { vpn: { username: "customer", password: "password" } };

/** Whether a profile is taken; then what follows from it is sound. @throws when it is not, or when a fault does not help */
function taken(kind: "openvpn" | "wireguard", text: string): boolean {
  const raw = { host: ec2, exits: [{ name: "vpn", kind, profile: "bent" }] };
  let found: ReturnType<typeof parse>;
  try {
    found = parse(raw, kind === "openvpn" ? credentials : {}, { bent: text });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const fault of error.faults) {
      expect(fault.key).toMatch(/^exits\[0\]\.(profile|kind)$|^credentials\.vpn$/);
      expect(fault.allowed.length * fault.mend.length).toBeGreaterThan(0);
    }
    for (const secret of [SECRET, WIREGUARD_KEY]) expect(error.message).not.toContain(secret.slice(2, -2));
    return false;
  }
  const { settings } = found;
  keepsInvariants(settings, found.credentials);
  const provider = settings.exits[0]!.provider;
  expect(provider.remotes.length).toBeGreaterThan(0);
  if (provider.kind === "openvpn") {
    const all = optionsOf(provider.lines);
    // Ours come first and stay; the provider's own add none that would undo them.
    expect(all.slice(0, ours.length)).toEqual(ours);
    for (const option of all.slice(ours.length))
      if (unused.includes(option.split(" ")[0]!)) throw new Error(`has ${option}`);
  }
  return true;
}

describe("whatever became of a provider's profile, it is refused with faults, or what is made of it is sound:", () => {
  it.each([
    ["OpenVPN", "openvpn", openvpn],
    ["WireGuard", "wireguard", wireguard],
  ] as const)(
    "%s",
    (_, kind, good) => {
      expect(taken(kind, good)).toBe(true);
      const seen = { true: 0, false: 0 };
      fc.assert(
        fc.property(bent(good), (text) => void seen[`${taken(kind, text)}`]++),
        { numRuns: 1500 },
      );
      expect(Math.min(seen.true, seen.false)).toBeGreaterThan(100);
    },
    60_000,
  );
});
