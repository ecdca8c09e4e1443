import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, type UpResult } from "../../lab/deployment";
import { onMachine } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { openLab } from "../../lab/scenario";

let lab: Lab;
let deployment: Deployment;
const clients = [
  { name: "direct", address: "10.4.0.50" },
  { name: "vpn", address: "10.4.0.200" },
];
const warnings = ({ said }: UpResult): string[] =>
  said.split("\n").flatMap((line) => /warning: .*/.exec(line)?.[0] ?? []);
/** What was said of the waiting, in order: its beginning, its end, and that the release is in place. */
const waiting = ({ said }: UpResult): string[] =>
  said.split("\n").flatMap((line) => /waiting for .* to be healthy|healthy after|is in place/.exec(line)?.[0] ?? []);
const login = (password?: string) => {
  const { user, password: right } = lab.providers.provider.credentials;
  return { credentials: { vpn: { username: user, password: password ?? right } } };
};

beforeAll(async () => {
  lab = await openLab(() => undefined);
  deployment = await Deployment.choose();
});
afterAll(() => Lab.clear());

describe("a deployment", () => {
  test("whose exit comes up: is waited for, without a warning", async () => {
    const up = await deployment.up();
    expect(warnings(up)).toEqual([]);
    expect(waiting(up)).toEqual(["waiting for exit vpn to be healthy", "healthy after", "is in place"]);
  });

  test("that leaves a healthy exit alone: waits for nothing", async () => {
    const up = await deployment.up({ clients: [...clients, { name: "tablet", address: "10.4.0.51" }] });
    expect(warnings(up)).toEqual([]);
    expect(waiting(up)).toEqual(["is in place"]);
    await deployment.up();
  });

  test("with wrong credentials: succeeds after a bounded time, and ends with a warning that says what to do", async () => {
    const up = await deployment.up(login("wrong"));
    expect(waiting(up)).toEqual(["waiting for exit vpn to be healthy", "is in place"]);
    expect(warnings(up)).toHaveLength(1);
    expect(warnings(up)[0]).toMatch(/^warning: exit vpn is not healthy: last error: .*AUTH_FAILED/);
    expect(warnings(up)[0]).toContain("set credentials.vpn.username and credentials.vpn.password, and deploy again");
    expect(up.said.indexOf("is in place")).toBeLessThan(up.said.indexOf("warning: "));
    expect(up.seconds).toBeLessThan(40);
  });

  test("that leaves an unhealthy exit alone: warns of it, and does not wait", async () => {
    const settings = { ...login("wrong"), dns: { records: { "nas.internal": "10.4.0.9" } } };
    const up = await deployment.up(settings);
    expect(waiting(up)).toEqual(["is in place"]);
    expect(warnings(up)).toHaveLength(1);
    expect(warnings(up)[0]).toContain("AUTH_FAILED");
  });

  test("with the right credentials again: is healthy, without a warning", async () => {
    const up = await deployment.up(login());
    expect(warnings(up)).toEqual([]);
    expect(waiting(up).at(-1)).toBe("is in place");
    expect(up.seconds).toBeLessThan(15);
  });

  test("of exits whose providers do not answer, have nothing behind them, or do not know the key: each is named", async () => {
    const { provider, express, wgprov } = lab.providers;
    await Promise.all([express.blackhole(), wgprov.refuseCredentials(true)]);
    const { credentials } = login();
    const up = await deployment.up({
      exits: [
        { name: "vpn", profile: provider.profilePath },
        { name: "express", profile: express.profilePath, slot: 2 },
        { name: "wgprov", kind: "wireguard", profile: wgprov.profilePath, slot: 3 },
      ],
      credentials: {
        ...credentials,
        express: { username: express.credentials.user, password: express.credentials.password },
      },
    });
    const of = (name: string) => warnings(up).find((line) => line.startsWith(`warning: exit ${name} `));
    expect(of("express")).toContain("the provider does not answer");
    expect(of("wgprov")).toContain("the tunnel is up but none of dns.upstreams answers through it");
    // Nothing about it changed.
    expect(of("vpn")).toBeUndefined();
    expect(up.seconds).toBeLessThan(40);
    await Promise.all([express, provider, wgprov].map((one) => one.recover()));
  });

  test("a resolver whose upstreams do not answer by the uplink is named", async () => {
    const up = await deployment.up({ dns: { upstreams: ["192.0.2.99"] } });
    expect(warnings(up).find((line) => line.includes("resolver direct"))).toContain(
      "none of dns.upstreams answers by the uplink",
    );
    expect(warnings(await deployment.up())).toEqual([]);
    expect(await onMachine({ lab }, "gatewayctl check")).toContain("the machine is as its release says");
  });
});
