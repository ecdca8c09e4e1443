import { afterAll, beforeAll, expect, test } from "vitest";
import { type Changes, Deployment } from "../../lab/deployment";
import type { Cloud } from "../../lab/ec2/cloud";
import { images } from "../../lab/ec2/world";
import { trust } from "../../lab/endpoints";
import { Lab } from "../../lab/lab";
import type { Machine } from "../../lab/machine";
import { until } from "../../lab/process";
import { App } from "../../lab/services";
import { addresses, appName } from "../../lab/topology";
import { shell } from "./tunnels";

/* A transparent tunnel between two instances, whose public addresses are translated outside of them. */

type Name = "a" | "b";
const host = { kind: "ec2", sshFrom: [`${addresses.operator}/32`] };
/** The default network holds the VPC's own name server. */
const stackOf = (b: Readonly<Record<string, unknown>> = {}): Changes => ({
  ...{ host: null, exits: null, clients: null, credentials: null, dns: null },
  tunnels: [
    {
      name: "app",
      network: "10.77.0.0/30",
      endpoints: [
        { name: "a", host, address: "10.77.0.1" },
        { name: "b", address: "10.77.0.2", host: { ...host, ...b }, services: [{ protocol: "tcp", ports: [443] }] },
      ],
    },
  ],
});

let cloud: Cloud;
let deployment: Deployment;
let app: App;
let asked = 0;

const instance = (name: Name) => cloud.instances.find((one) => one.name?.endsWith(`-${name}`))!;
const machine = (name: Name): Machine => cloud.machine(instance(name));
const publicAddress = (name: Name): string =>
  cloud.state.addresses.find((one) => one.instance === instance(name).id)!.address;

/** Resolves when both ends lead to each other through the tunnel. */
async function joined(): Promise<void> {
  for (const name of ["a", "b"] as const)
    await until(`${name} is joined`, 30_000, async () => {
      const { stdout } = await machine(name).exec(["tunnelctl", "status", "--json"]);
      const { peers } = JSON.parse(stdout) as { peers: { way: string }[] };
      return peers.every((peer) => peer.way === "tunnel");
    });
}

/** The service on B, and A that trusts it. */
async function serve(): Promise<void> {
  app = await App.make(machine("b").network());
  await app.start();
  trust(machine("a"), app);
}

/** A asks the service at B's public address. @returns from where it was asked, and the packets on A's devices */
async function ask() {
  const a = machine("a");
  const devices = ["wg0", "ens5"] as const;
  const captures = await Promise.all(devices.map((device) => a.network().capture(device, "tcp port 443")));
  const agent = `test-${(asked += 1)}`;
  const there = ["--resolve", `${appName}:443:${publicAddress("b")}`];
  const curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", "5", "--user-agent", agent];
  await a.must([...curl, ...there, `https://${appName}/`]);
  const line = await until(`${agent} is in the log`, 5000, () =>
    app.lines().find((one) => one.endsWith(` "${agent}"`)),
  );
  const [wg0, ens5] = await Promise.all(captures.map((capture) => capture.stop()));
  return { from: line.split(" ")[0], wg0: wg0!.length, ens5: ens5!.length };
}

beforeAll(async () => {
  const lab = await Lab.open({ ec2: true });
  if (!lab.cloud) throw new Error("the lab has no EC2");
  cloud = lab.cloud;
  deployment = Deployment.choose(undefined, "lab-ec2");
  await deployment.up(stackOf());
  await serve();
  await joined();
});
afterAll(() => Lab.clear());

test("the same address through the tunnel while it is up, and over the internet while it is not", async () => {
  const inside = await ask();
  expect(inside).toMatchObject({ from: "10.77.0.1", ens5: 0 });
  expect(inside.wg0).toBeGreaterThan(0);

  await shell(machine("a"), "systemctl stop wg-tunnel");
  const outside = await ask();
  expect(outside).toMatchObject({ from: publicAddress("a"), wg0: 0 });
  expect(outside.ens5).toBeGreaterThan(0);
  await shell(machine("a"), "systemctl start wg-tunnel");
  await joined();
});

test("only what is a service, and WireGuard, is let in", async () => {
  const reaches = async (port: number): Promise<boolean> => {
    const connect = ["timeout", "2", "bash", "-c", `exec 3<>/dev/tcp/${publicAddress("b")}/${port}`];
    return (await Lab.attach().hosts["home-3"].run(connect)).exitCode === 0;
  };
  expect([await reaches(443), await reaches(22)]).toEqual([true, false]);
});

test("an instance that is replaced joins again, and the other keeps its own", async () => {
  const before = { a: instance("a"), b: instance("b"), at: publicAddress("b") };
  cloud.delayAddresses(2000);
  await deployment.up(stackOf({ amiId: images.newer }));
  cloud.delayAddresses(0);
  await cloud.settled();
  expect(instance("a")).toEqual(before.a);
  expect(instance("b").id).not.toBe(before.b.id);
  expect(publicAddress("b")).toBe(before.at);
  await serve();
  await joined();
  expect(await ask()).toMatchObject({ from: "10.77.0.1", ens5: 0 });
});

test("destroy leaves nothing", async () => {
  await deployment.destroy();
  await cloud.settled();
  const { groups, keyPairs, addresses: elastic } = cloud.state;
  expect([...cloud.instances, ...groups, ...keyPairs, ...elastic]).toEqual([]);
});
