import { afterAll, beforeAll, expect, test } from "vitest";
import { type Changes, Deployment, type UpResult } from "../../lab/deployment";
import { echoesMeanwhile, echoesOfEach } from "../../lab/echoes";
import { Lab } from "../../lab/lab";
import { minimalUserData } from "../../lab/keys";
import type { Machine } from "../../lab/machine";
import { probe } from "../../lab/probes";
import { until } from "../../lab/process";
import { settled } from "../../lab/scenario";
import { differences, snapshot, type Snapshot } from "../../lab/snapshot";
import { addresses } from "../../lab/topology";
import { endpointAt, shell } from "./tunnels";

/* Two gateways from one list of clients, who find them by one name. */

const name = "gw.example.org";
const { elastic: first, endpointA: second, provider, web } = addresses;
const { host } = endpointAt("second", second);
const clients = [
  { name: "direct", address: "10.4.0.50" },
  { name: "vpn", address: "10.4.0.200" },
];
const two: Changes = { wireguard: { endpoint: name }, replicas: [{ name: "second", host }] };

let lab: Lab;
let machines: { first: Machine; second: Machine };
let deployment: Deployment;
let deployed: UpResult;
let before: Snapshot;

const at = (machine: Machine, script: string) => shell(machine, script).then((said) => said.trim());
const seen = (which: "direct" | "vpn") => lab.clients[which].fetch(`http://${web}/`).then((said) => said.trim());

/** A client turns to the gateway that the name leads to, as a device does that comes up anew. */
async function connect(which: "direct" | "vpn"): Promise<void> {
  const client = lab.clients[which];
  await client.down();
  await client.up(deployed.outputs.clientProfiles![which]!);
}

beforeAll(async () => {
  lab = await Lab.open();
  const other = lab.endpoints.a;
  await other.create(minimalUserData(lab.keys), lab.keys.user.publicKey);
  await other.boot();
  machines = { first: lab.machine, second: other };
  before = await snapshot(other);
  deployment = Deployment.choose();
  deployed = await deployment.up(two);
});
afterAll(() => Lab.clear());

test("one up brings both machines the same gateway", async () => {
  const shown = (machine: Machine) => at(machine, "wg show wg0 public-key; wg show wg0 allowed-ips | sort");
  expect(await shown(machines.second)).toBe(await shown(machines.first));
  for (const machine of Object.values(machines))
    expect(await at(machine, "gatewayctl check")).toBe("the machine is as its release says");
  expect(deployed.outputs.replicas).toEqual({ second: { address: second, endpoint: `${name}:45822` } });
  expect(deployed.outputs.replicaProfiles?.["second"]).toEqual(deployed.outputs.clientProfiles);
  expect((await deployment.up(two)).summary).toMatchObject({ created: 0, updated: 0, deleted: 0 });
});

test("a client leaves by the gateway that the name leads to, by its own exit", async () => {
  await lab.dns.lead(name, first);
  await connect("direct");
  await connect("vpn");
  await settled(lab);
  expect([await seen("direct"), await seen("vpn")]).toEqual([first, provider]);
  expect(await at(machines.second, "wg show wg0 latest-handshakes | awk '$2 > 0'")).toBe("");

  await lab.dns.lead(name, second);
  await connect("direct");
  await connect("vpn");
  await settled(lab);
  expect([await seen("direct"), await seen("vpn")]).toEqual([second, provider]);
  expect(await lab.clients.direct.dig("vault.raff.local")).toEqual(["10.4.0.7"]);
  expect(await lab.clients.direct.ping("10.4.0.200")).toBe(true);
});

test("its questions follow its exit, there as well", async () => {
  for (const [which, from] of [
    ["direct", second],
    ["vpn", provider],
  ] as const) {
    const asked = `asked-by-${which}.example`;
    expect(await lab.clients[which].dig(asked)).toEqual([web]);
    const askers = lab.dns.queries().flatMap((query) => (query.name === asked ? [query.from] : []));
    expect(new Set(askers)).toEqual(new Set([from]));
  }
});

test("nothing leaks from the second gateway when its tunnel is lost", async () => {
  const other = machines.second;
  await at(other, "systemctl stop wg-gateway-repair.timer wg-gateway-repair");
  await at(other, "systemctl kill -s KILL wg-gateway-exit@vpn; systemctl stop wg-gateway-exit@vpn");
  const probed = await probe(lab, lab.clients.vpn.host);
  expect(probed).toMatchObject({ leaked: [], whole: true });
  expect(probed.sent).toBeGreaterThan(1000);
  await at(other, "systemctl start wg-gateway-exit@vpn wg-gateway-repair.timer");
  await settled(lab);
});

test("a client that is added may turn to either, and the others lose nothing", async () => {
  await lab.dns.lead(name, first);
  await connect("direct");
  await settled(lab);
  const more = { ...two, clients: [...clients, { name: "tablet", address: "10.4.0.51" }] };
  // One of the clients is on each gateway.
  const { direct, vpn } = lab.clients;
  const { result, echoes } = await echoesOfEach([direct.host, vpn.host], web, () => deployment.up(more));
  expect(echoes.map(({ lost }) => lost)).toEqual([0, 0]);
  expect(result.summary).toMatchObject({ created: 1, updated: 2, deleted: 0 });
  const tablet = lab.client("home-3");
  for (const [address, lead] of [
    [first, first],
    [second, second],
  ] as const) {
    await lab.dns.lead(name, lead);
    await tablet.down();
    await tablet.up(result.outputs.clientProfiles!["tablet"]!);
    await until(`the tablet is seen as ${address}`, 20_000, async () => {
      const said = await tablet.fetch(`http://${web}/`, { timeout: 1000 }).catch(() => "");
      return said.trim() === address;
    });
  }
  await tablet.down();
  await deployment.up(two);
});

test("when a gateway is gone, a client that comes up anew is on the other one", async () => {
  expect(await seen("direct")).toBe(first);
  await machines.first.unplug();
  await expect(lab.clients.direct.fetch(`http://${web}/`, { timeout: 1000 })).rejects.toThrow();
  await lab.dns.lead(name, second);
  await connect("direct");
  await settled(lab);
  expect(await seen("direct")).toBe(second);
  await machines.first.reboot();
});

test("a replica that is taken out is given back as it was, and the first gateway's clients lose nothing", async () => {
  await lab.dns.lead(name, first);
  await connect("direct");
  await connect("vpn");
  await settled(lab);
  const { result, echoes } = await echoesMeanwhile(lab.clients.direct.host, web, () =>
    deployment.up({ wireguard: { endpoint: name } }),
  );
  expect(echoes.lost).toBe(0);
  expect(result.summary).toMatchObject({ created: 0, updated: 0 });
  expect(result.outputs.replicas).toBeUndefined();
  expect(differences(before, await snapshot(machines.second))).toEqual([]);
  expect(await seen("vpn")).toBe(provider);
});
