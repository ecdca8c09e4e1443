import { describe, expect, it, test } from "vitest";
import { optionNames, optionRules } from "../../gateway/settings/profileOptions";
import { parseProfile } from "../../gateway/settings/profile";
import { NOW } from "./certificatesFixtures";
import { helpOf, ofOlderReleases, ofTheSource } from "./openvpnOptions";
import { PROFILE } from "./settingsFixtures";

describe("the table of options", () => {
  it.each(Object.entries({ ...helpOf, ...ofTheSource }))("has every option of %s", (_, names) => {
    expect(names.length).toBeGreaterThan(200);
    expect(names.filter((name) => !optionRules.has(name))).toEqual([]);
  });

  test("has no option twice, and none that no release knows", () => {
    expect(optionNames.filter((name, index) => optionNames.indexOf(name) !== index)).toEqual([]);
    const known = new Set([...Object.values(helpOf), ...Object.values(ofTheSource), ofOlderReleases].flat());
    expect(optionNames.filter((name) => !known.has(name))).toEqual([]);
  });

  test("passes on what OpenVPN 2.6 and 2.7 both know", () => {
    const passed = optionNames.filter((name) => optionRules.get(name)?.treatment === "passed");
    for (const names of Object.values(ofTheSource)) expect(passed.filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each([...optionRules].filter(([, { treatment }]) => treatment === "refused"))(
    "an error names `%s`, and why",
    (name, { reason }) => {
      const { findings } = parseProfile(`${PROFILE}${name} x\n`, NOW);
      expect(findings.map(({ problem }) => problem)).toEqual([`\`${name}\` ${reason}`]);
      expect(findings[0]?.mend).toMatch(/\w/);
    },
  );

  it.each([...optionRules].filter(([, { treatment }]) => treatment === "dropped"))(
    "`%s` leaves nothing in the gateway's file",
    (name) => {
      const { findings, profile } = parseProfile(`${PROFILE}${name} x\n`, NOW);
      expect(findings).toEqual([]);
      expect(profile.lines).toEqual(parseProfile(PROFILE, NOW).profile.lines);
    },
  );
});
