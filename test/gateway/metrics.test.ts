import { describe, expect, it } from "vitest";
import { renderFiles } from "../../gateway/render/bundle";
import { renderHostRules } from "../../gateway/render/nftables";
import { contentOf, gatewayOf } from "./gateways";
import { ec2, faultsOf, type Raw } from "./settingsFixtures";

const clients = [
  { name: "laptop", address: "10.4.0.50" },
  { name: "prom", address: "10.4.0.60" },
  { name: "phone", address: "10.4.0.200" },
];
const gateway = (metrics?: Raw) => gatewayOf({ clients, metrics });
/** The lines of the host's rules that speak of a TCP port. */
const linesWith = (port: number, metrics?: Raw): string[] =>
  renderHostRules(gateway(metrics).plan)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes(`tcp dport ${port} `));

describe("metrics", () => {
  it("are off by default: no file, no rule", () => {
    const { plan, secrets } = gateway();
    expect(plan.metrics).toBeUndefined();
    expect(renderFiles(plan, secrets).map(({ path }) => path)).not.toContain("/etc/wg-gateway/metrics");
    expect(linesWith(9586)).toEqual([]);
  });

  it("listen on the gateway's own address, for nobody else unless somebody is named", () => {
    expect(contentOf(gateway({}), "/etc/wg-gateway/metrics")).toBe("ADDRESS=10.4.0.1\nPORT=9586\n");
    expect(linesWith(9586, {})).toEqual([]);
    // As for whatever else listens there.
    const rules = renderHostRules(gateway({}).plan);
    expect(rules).toContain("ip daddr 10.4.0.1 goto input_inner");
    expect(rules).toContain("chain input_inner {\n\t\tjump input_by_link\n\t\tdrop\n\t}");
  });

  it("are let to the clients that are named, by their addresses", () => {
    expect(linesWith(9100, { port: 9100, from: ["phone", "prom"] })).toEqual([
      "ip saddr { 10.4.0.60, 10.4.0.200 } ip daddr 10.4.0.1 tcp dport 9100 accept",
    ]);
  });

  it.each<[unknown, string, RegExp, RegExp]>([
    [{ port: 80 }, "metrics.port", /1024\.\.65535/, /9586/],
    [{ port: 5353 }, "metrics.port", /other than 5353/, /9586/],
    [{ port: "9586" }, "metrics.port", /whole number/, /9586/],
    [{ from: ["prim"] }, "metrics.from[0]", /laptop, prom, phone/, /did you mean "prom"/],
    [{ from: ["prom", "prom"] }, "metrics.from[1]", /each client once/, /take one/],
    [{ from: "prom" }, "metrics.from", /a list of names of clients/, /./],
    [{ fro: [] }, "metrics.fro", /from/, /from/],
    [true, "metrics", /map of settings/, /./],
  ])("%j is refused", (metrics, key, allowed, mend) => {
    const { faults } = faultsOf({ host: ec2, clients, metrics });
    expect(faults.map((fault) => fault.key)).toEqual([key]);
    expect(faults[0]?.allowed).toMatch(allowed);
    expect(faults[0]?.mend).toMatch(mend);
  });
});
