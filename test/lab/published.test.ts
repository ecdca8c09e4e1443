import { afterAll, beforeAll, expect, test } from "vitest";
import type { Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { Deployment } from "../../lab/deployment";
import { connect, openLab } from "../../lab/scenario";
import { WebServer } from "../../lab/services";
import { snapshot } from "../../lab/snapshot";
import { addresses } from "../../lab/topology";

const quiet = () => undefined;
const published = `http://${addresses.elastic}/`;
const at = "198.18.0.50";

let scenario: Scenario;
let profile: string;
let web: WebServer;
beforeAll(async () => {
  const lab = await openLab(quiet);
  const before = await snapshot(lab.machine);
  web = await WebServer.start(lab.machine.network(), addresses.gateway);
  const deployment = Deployment.choose();
  const deployed = await deployment.up({
    published: { services: [{ protocol: "tcp", ports: [80] }] },
    clients: [
      { name: "direct", address: "10.4.0.50", tunnel: "transparent" },
      { name: "vpn", address: "10.4.0.200" },
    ],
  });
  scenario = { lab, deployment, deployed, before };
  profile = deployed.outputs.clientProfiles?.["direct"] ?? "";
  await connect(scenario);
});
afterAll(() => Lab.clear());

/** What the published server sees of a request, and what of it is seen plain on the device's own network. */
async function ask(): Promise<{ seen: string; plain: number }> {
  const { host } = scenario.lab.clients.direct;
  const capture = await host.capture("eth0", `host ${addresses.elastic} and tcp port 80`);
  const seen = (await scenario.lab.clients.direct.fetch(published)).trim();
  const plain = (await capture.stop()).length;
  return { seen, plain };
}
const rules = async (): Promise<string> => (await scenario.lab.clients.direct.host.must(["ip", "rule", "show"])).trim();

test("a transparent client reaches what is published by the public address, through the tunnel alone", async () => {
  expect(await ask()).toEqual({ seen: "10.4.0.50", plain: 0 });
  expect(web.visits().at(-1)).toMatchObject({ from: "10.4.0.50", to: "10.4.0.1" });
  expect(await scenario.lab.clients.direct.ping(addresses.elastic)).toBe(true);
});

test("control: without the rule for the public address its packets are seen plain", async () => {
  const { host } = scenario.lab.clients.direct;
  const rule = ["to", addresses.elastic, "table", "123", "priority", "456"];
  await host.must(["ip", "rule", "del", ...rule]);
  const { seen, plain } = await ask();
  expect(seen).toBe(at);
  expect(plain).toBeGreaterThan(0);
  await host.must(["ip", "rule", "add", ...rule]);
  expect((await ask()).plain).toBe(0);
});

test("its other traffic stays its own, and what the gateway alone reaches is reached", async () => {
  const { direct } = scenario.lab.clients;
  expect((await direct.fetch(`http://${addresses.web}/`)).trim()).toBe(at);
  expect(await direct.dig("vault.raff.local")).toEqual(["10.4.0.7"]);
  expect((await direct.fetch(`http://${addresses.vpcHost}/`)).trim()).toBe(addresses.gateway);
  expect((await direct.fetch("http://10.4.0.200/")).trim()).toBe("10.4.0.50");
});

test("other clients reach it too, at the gateway's own address, and by a full tunnel at the public one", async () => {
  const { vpn } = scenario.lab.clients;
  expect((await vpn.fetch("http://10.4.0.1/")).trim()).toBe("10.4.0.200");
  expect((await vpn.fetch(published)).trim()).toBe("10.4.0.200");
  await expect(vpn.fetch("http://10.4.0.1:22/")).rejects.toThrow();
});

test("down, it is ignored: the internet's way, and no rule stays", async () => {
  const { direct } = scenario.lab.clients;
  const up = await rules();
  await direct.down();
  expect(await rules()).not.toMatch(/45[567]:/);
  const { seen, plain } = await ask();
  expect(seen).toBe(at);
  expect(plain).toBeGreaterThan(0);
  await direct.up(profile);
  expect(await rules()).toBe(up);
  expect(await ask()).toEqual({ seen: "10.4.0.50", plain: 0 });
});

test("an interface that was lost, with its rules left behind, comes up again", async () => {
  const { direct } = scenario.lab.clients;
  const up = await rules();
  await direct.host.must(["ip", "link", "del", "wg0"]);
  expect(await rules()).toBe(up);
  await direct.up(profile);
  expect(await rules()).toBe(up);
  expect(await ask()).toEqual({ seen: "10.4.0.50", plain: 0 });
});
