import { describe, expect, it } from "vitest";
import { fault, holds } from "./faultTable";
import { ec2, faultsOf, vpn, type Raw } from "./settingsFixtures";

const exits = [vpn, { ...vpn, name: "se", slot: 2 }];
const nine = Array.from({ length: 9 }, (_, index) => ({ ...vpn, name: `vpn${index}`, slot: index + 1 }));
const group = { name: "any", members: ["vpn", "se"] };
const withRules = (...rules: Raw[]): Raw => ({ host: ec2, exits, groups: [group], rules });
const withGroups = (...groups: Raw[]): Raw => ({ host: ec2, exits, groups });
const withGroup = (part: Raw): Raw => withGroups({ ...group, ...part });
const office = { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };

describe("a group", () => {
  holds({
    "named as an exit": fault(withGroup({ name: "vpn" }), "groups[0].name", "no exit and no other group", "another"),
    "named as another group": fault(withGroups(group, group), "groups[1].name", "no other group has", "another name"),
    "named direct": fault(withGroup({ name: "direct" }), "groups[0].name", "not direct, block", "another name"),
    "named as no exit": fault(withGroup({ name: "none" }), "groups[0].name", "not direct, block", "another name"),
    "with a name too long": fault(withGroup({ name: "providers" }), "groups[0].name", "1..8", "another name"),
    "without a name": fault(withGroups({ members: ["vpn"] }), "groups[0].name", "a group's name", "another name"),
    "of a mistyped exit": fault(
      withGroup({ members: ["se", "vpm"] }),
      "groups[0].members[1]",
      "the name of an exit: vpn, se",
      'did you mean "vpn"?',
    ),
    "of an unknown exit": fault(withGroup({ members: ["japan"] }), "groups[0].members[0]", "vpn, se", "add the exit"),
    "of direct": fault(withGroup({ members: ["vpn", "direct"] }), "groups[0].members[1]", "vpn, se", "add the exit"),
    "of itself": fault(
      withGroup({ members: ["vpn", "any"] }),
      "groups[0].members[1]",
      "in a circle",
      "members themselves",
    ),
    "of another group": fault(
      withGroups(group, { name: "more", members: ["any"] }),
      "groups[1].members[0]",
      "a group in a group could go in a circle",
      "name that group's members themselves",
    ),
    "of an exit twice": fault(withGroup({ members: ["vpn", "se", "vpn"] }), "groups[0].members[2]", "once", "out"),
    "of nobody": fault(withGroup({ members: [] }), "groups[0].members", "1..8 names", "Pulumi.yaml"),
    "of too many": fault(
      { host: ec2, exits: nine, groups: [{ name: "any", members: nine.map(({ name }) => name) }] },
      "groups[0].members",
      "1..8",
      "Pulumi.yaml",
    ),
    "without any exit": fault(
      { host: ec2, groups: [{ name: "any", members: ["vpn"] }] },
      "groups[0].members[0]",
      "none is configured",
      "add the exit",
    ),
    "that goes back in the past": fault(
      withGroup({ backAfter: -1 }),
      "groups[0].backAfter",
      "0..86400",
      "leave it out",
    ),
    "that goes back after a text": fault(withGroup({ backAfter: "30s" }), "groups[0].backAfter", "whole number", "30"),
    "with a key nobody knows": fault(
      withGroup({ member: ["vpn"] }),
      "groups[0].member",
      "name, members, backAfter",
      "groups[0].members?",
    ),
    "alone instead of in a list": fault({ host: ec2, exits, groups: group }, "groups", "list", "Pulumi.yaml"),
  });

  it("may be used by rules, with members in any order, and goes back after 30 seconds", () => {
    expect(faultsOf(withRules({ exit: "any" })).faults).toEqual([]);
    expect(faultsOf(withGroups(group, { name: "back", members: ["se", "vpn"], backAfter: 0 })).faults).toEqual([]);
  });
});

describe("all faults of rules and groups come together", () => {
  it("in their order", () => {
    const { faults } = faultsOf({
      host: ec2,
      exits,
      groups: [
        { name: "se", members: ["vpn", "nl"] },
        { name: "b", members: ["se", "b"] },
      ],
      rules: [
        { exit: "vpn" },
        { from: "10.5.0.1", ports: [80], exit: "vpn" },
        { protocol: "tcp", during: { ...office, to: "09:00" }, exit: "nobody" },
      ],
    });
    expect(faults.map(({ key }) => key).sort()).toEqual([
      "groups[0].members[1]",
      "groups[0].name",
      "groups[1].members[1]",
      "rules[1].from",
      "rules[1].ports",
      "rules[2]",
      "rules[2].during",
      "rules[2].exit",
    ]);
  });

  it("those of bad values first", () => {
    const { faults } = faultsOf({
      host: ec2,
      exits,
      groups: [{ name: "any", members: ["nl"] }],
      rules: [
        { exit: "vpn", protocol: "sctp" },
        { exit: "nobody", ports: [0], during: { from: "25:00", to: "7", timeZone: "Mars/Base", days: ["monday"] } },
      ],
    });
    expect(new Set(faults.map(({ key }) => key))).toEqual(
      new Set([
        "rules[0].protocol",
        "rules[1].ports[0]",
        "rules[1].during.from",
        "rules[1].during.to",
        "rules[1].during.timeZone",
        "rules[1].during.days[0]",
        "groups[0].members[0]",
        "rules[1].exit",
        "rules[1].ports",
      ]),
    );
  });
});
