import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProfile as parseAt } from "../../gateway/settings/profile";
import { optionNames, optionRules } from "../../gateway/settings/profileOptions";
import { CA, NOW } from "./certificatesFixtures";
import { readConfig, type ReadOption } from "./openvpnReader";

const parseProfile = (text: string) => parseAt(text, NOW);
const BASE = `client\nremote provider.example 1194 udp\nauth-user-pass\n${CA}`;
const NEXT = BASE.split("\n").length;
/** What may stand in the gateway's own configuration: what is passed on, and what the gateway writes of the ciphers. */
const passed = new Set([
  ...optionNames.filter((name) => optionRules.get(name)?.treatment === "passed"),
  "data-ciphers",
  "data-ciphers-fallback",
]);
const EVIL = 'up "/bin/sh -c id"';

/** What OpenVPN would make of the lines that a profile leaves in the gateway's configuration. */
const taken = (text: string): ReadOption[] => readConfig(parseProfile(text).profile.lines.join("\n") + "\n");

const names = (options: readonly ReadOption[]) => options.map(({ name }) => name);

describe("OpenVPN's own reading", () => {
  // Each of these was tried with OpenVPN 2.6.14, which took the script.
  it.each([
    ["a block ends where a line begins with its end", `<ca>\n</ca> x\n${EVIL}\n</ca>\n`],
    ["a block ends where a piece of 255 bytes does", `<ca>\n${"A".repeat(255)}</ca>\n${EVIL}\n</ca>\n`],
    ["quotes and hyphens before a block", `"--<ca>" # comment\nAAA\n</ca>\n${EVIL}\n`],
    ["quotes around an option", `"up" '/bin/sh'\n`],
    ["hyphens before an option", `--up /bin/sh\n`],
    ["an option after a quote without a blank", `"up""/bin/sh"\n`],
  ])("%s", (_, text) => {
    expect(names(readConfig(text))).toContain("up");
    expect(names(taken(BASE + text))).not.toContain("up");
    expect(parseProfile(BASE + text).findings).not.toEqual([]);
  });

  it.each([
    ["a byte order mark", `\uFEFFup /bin/sh\n`],
    ["a return in the middle", `cipher AES-256-GCM\rup /bin/sh\n`],
    ["a zero byte", `cipher AES-256-GCM\0\nup /bin/sh\n`],
    ["a vertical tab", `\vup\v/bin/sh\n`],
    ["an escaped blank", `verify-x509-name a\\ b\nup\\ x\n`],
    ["an escaped quote", `verify-x509-name "a\\" up b"\n`],
    ["an open quote", `verify-x509-name "a\nup /bin/sh\n`],
    ["an option inside <connection>", `<connection>\nremote h 1\n${EVIL}\n</connection>\n`],
    ["a block inside <connection>", `<connection>\n<ca>\n</connection>\n${EVIL}\n</ca>\n`],
    ["a block with a name of its own", `<ca x>\n${EVIL}\n</ca x>\n`],
    ["an empty block name", `<>\n${EVIL}\n</>\n`],
    ["a block of scripts", `<up>\n/bin/sh\n</up>\n`],
    ["a second end", `<ca>\nA\n</ca>\n</ca>\n`],
    ["another configuration", `config /etc/openvpn/evil.conf\n`],
  ])("%s is refused", (_, text) => {
    expect(parseProfile(BASE + text).findings).not.toEqual([]);
    expect(names(taken(BASE + text)).filter((name) => !passed.has(name))).toEqual([]);
  });

  it("capitals are no option of OpenVPN's, and none of ours", () => {
    expect(parseProfile(`${BASE}UP /bin/sh\nCipher none\n`)).toMatchObject({
      findings: [{ line: NEXT }, { line: NEXT + 1 }],
      profile: { lines: CA.trimEnd().split("\n") },
    });
  });
});

describe("whatever a profile holds", () => {
  const option = fc.constantFrom(...optionNames, "UP", "uP");
  const tag = fc.constantFrom("ca", "key", "tls-auth", "connection", "auth-user-pass", "up", "Ca", "");
  const blank = fc.constantFrom("", " ", "\t", "  ", "\r", "\v", "\u00a0", "\uFEFF", "\0");
  const mark = fc.constantFrom("", "--", "-", '"', "'", "\\", "#", ";", "<", ">", "</", "[inline]", "x", "\u2028", "é");
  const word = fc.oneof(option, mark, fc.string({ maxLength: 6 }), fc.constant("A".repeat(250)));
  const quote = fc.constantFrom("", "", "", '"', "'", "\\");
  const line = fc.oneof(
    fc
      .tuple(blank, mark, option, blank, fc.array(word, { maxLength: 3 }))
      .map(([a, b, c, d, e]) => a + b + c + d + e.join(" ")),
    fc.tuple(quote, option, quote, blank, word, quote).map((parts) => parts.join("")),
    fc
      .tuple(blank, quote, fc.constantFrom("", "--"), tag, quote, blank, word)
      .map(([a, q, h, t, r, b, w]) => `${a}${q}${h}<${t}>${r}${b}${w}`),
    fc
      .tuple(blank, fc.constantFrom(0, 0, 0, 254, 255, 256, 510), tag, blank, word)
      .map(([a, n, t, b, w]) => `${a}${"A".repeat(n)}</${t}>${b}${w}`),
    fc.string({ unit: "binary" }),
  );
  const end = fc.constantFrom("\n", "\n", "\n", "\r\n", "\r", "");
  const anyText = fc
    .array(
      fc.tuple(line, end).map((parts) => parts.join("")),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(""));

  it("nothing is thrown, and OpenVPN finds no option but those that are passed on", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { profile } = parseProfile(text);
        const foreign = names(readConfig(`${profile.lines.join("\n")}\n`)).filter((name) => !passed.has(name));
        if (foreign.length > 0) throw new Error(`passed on: ${foreign.join()}`);
      }),
      { numRuns: 20_000 },
    );
  });

  it("a profile without findings is read by OpenVPN as by us", () => {
    let sound = 0;
    const word = fc.oneof(
      fc.constantFrom("a b", "x", "", "#", "it's", 'a"b', "CN=é, O=x"),
      fc.string({ maxLength: 5 }),
    );
    const option = fc.tuple(
      fc.constantFrom("tls-cipher", "tls-groups", "verify-x509-name"),
      fc.array(word, { maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(option, { minLength: 1, maxLength: 4 }), (options) => {
        const text = options
          .map(([name, values]) => [name, ...values.map((value) => `'${value}'`)].join(" "))
          .join("\n");
        if (parseProfile(`${BASE}${text}\n`).findings.length > 0) return;
        sound += 1;
        expect(taken(`${BASE}${text}\n`)).toEqual(readConfig(`${CA}${text}\n`));
      }),
      { numRuns: 2000 },
    );
    expect(sound).toBeGreaterThan(200);
  });

  it("no finding quotes what may be key material", () => {
    fc.assert(
      fc.property(anyText, fc.stringMatching(/^[A-Za-z0-9+/]{16,64}={0,2}$/), (text, secret) => {
        for (const where of [`${text}\n${secret}\n`, `${secret} ${text}`, `<${secret}>\n${text}`])
          if (parseProfile(where).findings.some(({ problem, mend }) => `${problem}${mend}`.includes(secret)))
            throw new Error("a finding quotes it");
      }),
      { numRuns: 5000 },
    );
  });
});
