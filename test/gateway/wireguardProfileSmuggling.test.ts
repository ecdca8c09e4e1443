import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wireGuardKeys } from "../../gateway/keys";
import { renderProviderInterface } from "../../gateway/render/wireguard";
import { isAddress, isHost } from "../../gateway/settings/address";
import { parseWireGuardProfile } from "../../gateway/settings/wireguardProfile";

const { privateKey, publicKey } = wireGuardKeys(Buffer.alloc(32, 7));
const BASE = `[Interface]
PrivateKey = ${privateKey}
Address = 10.2.0.2/32
DNS = 10.2.0.1

[Peer]
PublicKey = ${publicKey}
Endpoint = 203.0.113.7:51820
`;
/** All that may stand in what is rendered, in one line each: `$` is the very end. */
const plain = /^[\d.]+ \d+ [A-Za-z0-9.-]+ \d+ 0$/;
const key = "([A-Za-z0-9+/]{43}=)?";
const rendered = new RegExp(
  `^\\[Interface\\]\nPrivateKey = ${key}\n\n\\[Peer\\]\nPublicKey = ${key}\n(PresharedKey = ${key}\n)?` +
    "AllowedIPs = 0\\.0\\.0\\.0/0\nPersistentKeepalive = 25\n$",
);

describe("whatever a file holds", () => {
  const name = fc.constantFrom(
    ...[
      "PrivateKey",
      "PublicKey",
      "PresharedKey",
      "Address",
      "Endpoint",
      "MTU",
      "DNS",
      "AllowedIPs",
      "Table",
      "PostUp",
    ],
  );
  const bad = fc.constantFrom(
    "\n",
    "\r",
    "\0",
    "\u2028",
    "\u0085",
    "\v",
    ";",
    "$(id)",
    "`id`",
    "|",
    "&",
    "'",
    '"',
    "]",
    "=",
    " ",
    "%i",
  );
  const good = fc.constantFrom(
    privateKey,
    "10.2.0.2/32",
    "10.2.0.2",
    "203.0.113.7:51820",
    "a.example:1",
    "1420",
    "[::1]:5",
    "-",
  );
  const value = fc.array(fc.oneof({ weight: 3, arbitrary: good }, bad, fc.string({ maxLength: 4 })), { maxLength: 3 });
  const cased = fc.tuple(name, fc.boolean()).map(([one, upper]) => (upper ? one.toUpperCase() : one));
  const line = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(cased, value).map(([one, parts]) => `${one} = ${parts.join("")}`) },
    { weight: 2, arbitrary: fc.constantFrom("[Interface]", "[Peer]", "[peer] # x", "") },
    fc.string({ unit: "binary" }),
  );
  const end = fc.constantFrom("\n", "\n", "\r\n", "\r", "");
  const lines = fc.array(fc.tuple(line, end), { maxLength: 12 }).map((all) => all.flat().join(""));
  /** A sound file with one line replaced. */
  const bent = fc.tuple(fc.nat({ max: 8 }), line).map(([at, other]) =>
    BASE.split("\n")
      .map((row, index) => (index === at ? other : row))
      .join("\n"),
  );

  it("nothing is thrown, and no value can break out of the line it is written to", () => {
    let sound = 0;
    fc.assert(
      fc.property(fc.oneof(lines, bent), (text) => {
        const { profile, findings } = parseWireGuardProfile(text);
        const [{ host, port } = { host: "h", port: 1 }, ...more] = profile.remotes;
        expect(`${profile.address} ${profile.mtu} ${host} ${port} ${more.length}`).toMatch(plain);
        expect(isAddress(profile.address) && isHost(host) && port > 0 && port < 65536 && profile.mtu <= 1420).toBe(
          true,
        );
        expect(renderProviderInterface(profile)).toMatch(rendered);
        if (findings.length > 0) return;
        sound += 1;
        expect([profile.privateKey.length, profile.publicKey.length, profile.remotes.length]).toEqual([44, 44, 1]);
        expect(profile.mtu).toBeGreaterThanOrEqual(576);
      }),
      { numRuns: 20_000 },
    );
    expect(sound).toBeGreaterThan(200);
  });

  it("no finding quotes what may be a key", () => {
    fc.assert(
      fc.property(lines, fc.stringMatching(/^[A-Za-z0-9+/]{16,64}={0,2}$/), name, (text, secret, one) => {
        for (const where of [
          `${text}\n${secret}\n`,
          `${secret} = ${text}`,
          `${text}\n${one} = ${secret}\n`,
          `[${secret}]`,
        ]) {
          const { findings, warnings } = parseWireGuardProfile(where);
          if ([...findings, ...warnings].some(({ problem, mend }) => `${problem}${mend}`.includes(secret)))
            throw new Error("a finding quotes it");
        }
      }),
      { numRuns: 5000 },
    );
  });
});
