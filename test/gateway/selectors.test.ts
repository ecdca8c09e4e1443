import { describe, expect, it } from "vitest";
import { intervalOf } from "../../gateway/settings/address";
import { gatewayOf } from "./gateways";
import { trace } from "./nftTrace";
import { loaded, packetOf, selectorsOf } from "./ruleOracle";

describe("what is not selected yet", () => {
  const during = { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };
  const gateway = gatewayOf({
    exits: [
      { name: "a", profile: "plain.ovpn" },
      { name: "b", profile: "plain.ovpn", slot: 2 },
    ],
    groups: [{ name: "any", members: ["a", "b"], backAfter: 7 }],
    rules: [
      { from: "10.4.0.0/28", exit: "direct" },
      { from: "10.4.0.0/27", protocol: "udp", during, exit: "block" },
      { from: "10.4.0.64/26", during, exit: "a" },
      { from: "10.4.0.64/26", exit: "any" },
    ],
  });
  const [window = ""] = selectorsOf(gateway.plan).windows.map(({ name }) => name);
  const client = { source: intervalOf("10.4.0.70").first, protocol: "tcp", port: 443 };

  it.each<[string, [string, string][], string]>([
    ["nothing", [], "block"],
    ["no member", [["group-any", "none"]], "block"],
    ["a member of before that is none any more", [["group-any", "gone"]], "block"],
    ["the first member", [["group-any", "a"]], "exit_a"],
    ["the second member", [["group-any", "b"]], "exit_b"],
    ["the window", [[window, "open"]], "exit_a"],
    ["the window, which is closed", [[window, "closed"]], "block"],
    [
      "the window and a member",
      [
        [window, "open"],
        ["group-any", "b"],
      ],
      "exit_a",
    ],
    [
      "the closed window and a member",
      [
        [window, "closed"],
        ["group-any", "b"],
      ],
      "exit_b",
    ],
  ])("is blocked or closed: %s is", (_, selection, wanted) => {
    const rules = loaded(gateway.plan, new Map(selection));
    expect(trace(rules, "mangle_prerouting", packetOf(client)).chain).toBe(`mark_${wanted}`);
    expect(trace(rules, "filter_forward", packetOf(client)).chain).toBe(`forward_${wanted}`);
    const question = { ...packetOf({ ...client, port: 53 }), destination: "10.4.0.1" };
    expect(trace(rules, "nat_prerouting", question).chain).toBe(`dns_${wanted}`);
  });

  it("is told to the daemon, with the addresses of those whom it concerns and no others", () => {
    expect(selectorsOf(gateway.plan)).toEqual({
      windows: [
        {
          name: expect.stringMatching(/^window-[0-9a-f]{8}$/) as string,
          days: [1, 2, 3, 4, 5, 6, 7],
          ...during,
          sources: ["10.4.0.16-10.4.0.31", "10.4.0.64-10.4.0.127"],
        },
      ],
      groups: [{ name: "group-any", members: ["a", "b"], backAfter: 7, sources: ["10.4.0.64-10.4.0.127"] }],
      exits: ["a", "b"],
      upstreams: ["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"],
    });
  });
});
