import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseProfile } from "../../gateway/settings/profile";
import { NOW } from "./certificatesFixtures";
import { PROFILE } from "./settingsFixtures";

const read = (text: string) => parseProfile(PROFILE + text, NOW);
const ciphersOf = (text: string) => read(text).profile.lines.filter((line) => /cipher/.test(line));
const OWN = "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305";

describe("the ciphers that the client offers", () => {
  it.each([
    ["nothing", "", []],
    [
      "cipher AES-256-CBC",
      "cipher AES-256-CBC",
      [`data-ciphers ${OWN}:?AES-256-CBC`, "data-ciphers-fallback AES-256-CBC"],
    ],
    ["a cipher of the three", "cipher AES-256-GCM", [`data-ciphers ${OWN}`, "data-ciphers-fallback AES-256-GCM"]],
    ["small letters", "cipher aes-128-cbc", [`data-ciphers ${OWN}:?AES-128-CBC`, "data-ciphers-fallback AES-128-CBC"]],
    [
      "ncp-disable",
      "cipher AES-256-CBC\nncp-disable",
      [`data-ciphers ${OWN}:?AES-256-CBC`, "data-ciphers-fallback AES-256-CBC"],
    ],
    [
      "a fallback alone",
      "data-ciphers-fallback AES-256-CBC",
      [`data-ciphers ${OWN}:?AES-256-CBC`, "data-ciphers-fallback AES-256-CBC"],
    ],
    ["a list", "data-ciphers AES-256-GCM:AES-256-CBC", ["data-ciphers AES-256-GCM:?AES-256-CBC"]],
    ["a list under its old name", "ncp-ciphers AES-128-GCM", ["data-ciphers AES-128-GCM"]],
    ["a list with an unsure one", "data-ciphers AES-128-GCM:?AES-192-CBC", ["data-ciphers AES-128-GCM:?AES-192-CBC"]],
    ["OpenVPN's own and one more", "data-ciphers DEFAULT:AES-256-CBC", [`data-ciphers ${OWN}:?AES-256-CBC`]],
    [
      "all three",
      "cipher AES-256-CBC\ndata-ciphers AES-256-GCM\ndata-ciphers-fallback AES-128-CBC",
      ["data-ciphers AES-256-GCM:?AES-256-CBC:?AES-128-CBC", "data-ciphers-fallback AES-128-CBC"],
    ],
    [
      "the last of each counts",
      "cipher AES-128-CBC\ncipher AES-192-CBC\ndata-ciphers AES-128-GCM",
      ["data-ciphers AES-128-GCM:?AES-192-CBC", "data-ciphers-fallback AES-192-CBC"],
    ],
    ["one that the file lets OpenVPN skip", "setenv opt data-ciphers AES-128-GCM", ["data-ciphers AES-128-GCM"]],
  ])("by %s", (_, text, lines) => {
    expect(read(`${text}\n`).findings).toEqual([]);
    expect(read(`${text}\n`).warnings.map(({ problem }) => problem)).toEqual([
      expect.stringContaining("known by name only"),
    ]);
    expect(ciphersOf(`${text}\n`)).toEqual(lines);
  });

  it.each([
    ["Blowfish, OpenVPN's default once", "cipher BF-CBC", [`data-ciphers ${OWN}`], "cannot offer a cipher"],
    ["one that nobody knows", "cipher NOSUCH-1", [`data-ciphers ${OWN}`], "cannot offer a cipher"],
    ["a list without a usable one", "data-ciphers BF-CBC:CAST5-CBC", [`data-ciphers ${OWN}`], "cannot offer ciphers"],
    ["no encryption", "cipher none", [`data-ciphers ${OWN}`], "wants no encryption"],
    ["no encryption in a list", "data-ciphers AES-128-GCM:none", ["data-ciphers AES-128-GCM"], "wants no encryption"],
  ])("%s is left out with a warning, for OpenVPN would stop at it", (_, text, lines, problem) => {
    expect(read(`${text}\n`).findings).toEqual([]);
    expect(read(`${text}\n`).warnings.map((warning) => warning.problem)).toContainEqual(
      expect.stringContaining(problem),
    );
    expect(ciphersOf(`${text}\n`)).toEqual(lines);
  });

  it.each([
    ["a name of other characters", 'cipher "AES 256"', "a name that OpenVPN cannot know"],
    [
      "more than OpenVPN takes",
      `data-ciphers ${[128, 192, 256].flatMap((bits) => ["CBC", "OFB", "CFB", "GCM"].map((mode) => `ARIA-${bits}-${mode}`)).join(":")}`,
      "more than the 127 characters",
    ],
  ])("%s is refused", (_, text, problem) => {
    expect(read(`${text}\n`).findings.map((finding) => finding.problem)).toEqual([expect.stringContaining(problem)]);
  });

  test("whatever the file asks for: one list that OpenVPN takes, without `none`", () => {
    const name = fc.constantFrom(
      "AES-256-GCM",
      "AES-128-CBC",
      "?AES-192-CBC",
      "bf-cbc",
      "none",
      "DEFAULT",
      "x",
      "",
      '"',
    );
    const option = fc.constantFrom("cipher", "data-ciphers", "ncp-ciphers", "data-ciphers-fallback");
    const line = fc
      .tuple(option, fc.array(name, { minLength: 1, maxLength: 5 }))
      .map(([one, all]) => `${one} ${all.join(":")}`);
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
        const { findings } = read(`${lines.join("\n")}\n`);
        const [list, ...others] = ciphersOf(`${lines.join("\n")}\n`);
        if (findings.length > 0 || list === undefined) return;
        expect(list).toMatch(/^data-ciphers \??[A-Z0-9-]+(:\??[A-Z0-9-]+)*$/);
        expect(list.length).toBeLessThan(127 + "data-ciphers ".length);
        expect(`${list} ${others.join(" ")}`).not.toMatch(/none/i);
        expect(others.every((other) => /^data-ciphers-fallback [A-Z0-9-]+$/.test(other)) && others.length < 2).toBe(
          true,
        );
      }),
    );
  });
});

describe("mssfix", () => {
  it.each([
    ["1450", ""],
    ["1300", "fragment 1300"],
    ["1450", "fragment 1500"],
    ["1300 mtu", "fragment 1300 mtu"],
    ["1200", "fragment 1300\nmssfix 1200"],
    ["1300", "fragment 1300\nmssfix 1400"],
    ["1300", "fragment 1300\nmssfix 1200 mtu"],
    ["1400", "mssfix 1400"],
    ["1400 mtu", "mssfix 1400 mtu"],
    ["1400 fixed", "mssfix 1400 fixed"],
    ["1450", "mssfix 1500"],
    ["1450", "mssfix 0"],
    ["1450", "mssfix"],
    ["1450", "mssfix x y"],
  ])("is %s with: %s", (mssfix, text) => {
    expect(read(`${text}\n`).profile.mssfix).toBe(mssfix);
  });
});
