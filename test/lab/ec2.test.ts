import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Changes } from "../../lab/deployment";
import type { Cloud } from "../../lab/ec2/cloud";
import { images, subnets } from "../../lab/ec2/world";
import { ec2Flows, type Flow, lastEc2Flow, onMachine, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import type { Machine } from "../../lab/machine";
import { until } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";
import { addresses } from "../../lab/topology";
import { shell } from "./tunnels";

/* The EC2 stack, on instances that are machines of the lab. */

const quiet = () => undefined;
const host = { kind: "ec2", sshFrom: [`${addresses.operator}/32`] };
const changed = (more: Readonly<Record<string, unknown>>): Changes => ({ host: { ...host, ...more } });

let scenario: Scenario;
let cloud: Cloud;

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet, { ec2: true }), quiet);
  if (!scenario.lab.cloud) throw new Error("the lab has no EC2");
  cloud = scenario.lab.cloud;
});
afterAll(() => Lab.clear());

const wrongRows = async (flow: Flow): Promise<string[]> => {
  const rows = await flow.observe(scenario);
  expect(rows.length).toBeGreaterThan(0);
  return rows.filter(({ ok }) => !ok).map(({ what, expected, seen }) => `${what}: expected ${expected}, seen ${seen}`);
};
/** Both clients come up anew: they would try a port again only after a while. */
async function reconnect(): Promise<void> {
  for (const [name, client] of Object.entries(scenario.lab.clients)) {
    await client.down();
    await client.up(scenario.deployed.outputs.clientProfiles![name]!);
  }
  await settled(scenario.lab);
}
const flowCalled = (title: string): Flow => ec2Flows.find((flow) => flow.title === title)!;
const instance = () => cloud.instanceAt(addresses.elastic);
/** What an API was asked since so many calls, but for what only looks. */
const changesSince = (count: number): string[] =>
  cloud.calls
    .slice(count)
    .map(({ action }) => action)
    .filter((action) => !/^(Describe|Get)/.test(action));

describe("a new instance", () => {
  test.each(["instance launched", "direct client", "VPN client", "up again, nothing changed"])("%s", async (title) => {
    expect(await wrongRows(flowCalled(title))).toEqual([]);
  });

  test("nothing is called but what looks, when nothing has changed", async () => {
    const calls = cloud.calls.length;
    await scenario.deployment.up();
    expect(changesSince(calls)).toEqual([]);
    expect(cloud.calls.length).toBeGreaterThan(calls);
  });

  test("a newer image of Debian does not replace it", async () => {
    // What the parameter said when the instance was made stays, as long as nobody chooses an image.
    const { id } = instance();
    expect((await scenario.deployment.up(changed({ amiId: images.arm64 }))).summary.replaced).toBe(0);
    expect((await scenario.deployment.up()).summary.replaced).toBe(0);
    expect(instance().id).toBe(id);
  });

  test("a private subnet is refused before anything is made", async () => {
    const calls = cloud.calls.length;
    const up = scenario.deployment.up(changed({ subnetId: subnets.private.id }));
    await expect(up).rejects.toThrow(/routing table has no route to an internet gateway/);
    expect(changesSince(calls)).toEqual([]);
  });
});

describe("what changes in place", () => {
  test("sshFrom: a rule of the security group", async () => {
    expect(await wrongRows(flowCalled("sshFrom changed"))).toEqual([]);
  });

  test("tags and the disk's size: what is there is changed, and changed back", async () => {
    const before = instance();
    const calls = cloud.calls.length;
    const { summary } = await scenario.deployment.up(changed({ tags: { owner: "net" }, volumeSize: 12 }));
    expect(summary).toMatchObject({ created: 0, replaced: 0, deleted: 0 });
    expect(new Set(changesSince(calls))).toEqual(new Set(["CreateTags", "ModifyVolume"]));
    const back = cloud.calls.length;
    await scenario.deployment.up();
    expect(new Set(changesSince(back))).toEqual(new Set(["DeleteTags", "ModifyVolume"]));
    expect(instance()).toEqual(before);
  });

  test("WireGuard's port: the rule, the machine", async () => {
    const rule = () => cloud.state.groups[0]?.ingress.find(({ protocol }) => protocol === "udp");
    const before = rule();
    await scenario.deployment.up({ wireguard: { port: 45900 } });
    expect(rule()).toEqual({ ...before, from: 45900, to: 45900 });
    await scenario.deployment.up();
    expect(rule()).toEqual(before);
    await reconnect();
  });

  test("the instance's type: the same instance, stopped and started, with its disk and its address", async () => {
    const before = instance();
    await onMachine(scenario, "touch /var/lib/left-on-the-disk");
    const calls = cloud.calls.length;
    const { summary } = await scenario.deployment.up(changed({ instanceType: "t4g.medium" }));
    expect(summary).toMatchObject({ created: 0, replaced: 0, deleted: 0 });
    expect(changesSince(calls)).toEqual(["StopInstances", "ModifyInstanceAttribute", "StartInstances"]);
    await cloud.settled();
    expect(instance()).toEqual({ ...before, type: "t4g.medium", starts: before.starts + 1 });
    await reconnect();
    const said = await onMachine(scenario, "ls /var/lib/left-on-the-disk; gatewayctl check");
    expect(said).toBe("/var/lib/left-on-the-disk\nthe machine is as its release says\n");
    await scenario.deployment.up();
    await cloud.settled();
    await reconnect();
  });
});

describe("what replaces the instance", () => {
  /** What a machine was told: who logged in, and which release it has. */
  const told = async (machine: Machine) => ({
    release: await shell(machine, "sha256sum /var/lib/wg-gateway/release.json"),
    runs: await shell(machine, "journalctl -o cat --no-pager | grep -c 'COMMAND=.*gatewayctl' || true"),
  });

  test("user data, while the address moves late: the release reaches the new machine and never the old", async () => {
    const old = { instance: instance(), machine: scenario.lab.machine };
    const before = await told(old.machine);
    cloud.delayAddresses(5000);
    // The old one stays to be looked at.
    cloud.fail({ action: "TerminateInstances", code: "UnauthorizedOperation" });
    const up = scenario.deployment.up({}, ["host-boot-host-key"]);
    await expect(up).rejects.toThrow(/TerminateInstances: UnauthorizedOperation/);
    await expect(up).rejects.toThrow(
      /host-ready \| waiting for .*: another machine answers there, with the host key SHA256:/,
    );
    cloud.delayAddresses(0);
    expect(instance().id).not.toBe(old.instance.id);
    expect(await told(old.machine)).toEqual(before);
    expect(await onMachine(scenario, "gatewayctl check")).toBe("the machine is as its release says\n");

    await scenario.deployment.up();
    await cloud.settled();
    expect(cloud.instances.map(({ id }) => id)).toEqual([instance().id]);
    await reconnect();
  });

  test("the image: with the same address, keys and clients", async () => {
    expect(await wrongRows(flowCalled("image changed"))).toEqual([]);
  });
});

describe("a replica", () => {
  const replicas = [{ name: "second", host: { ...host, subnetId: subnets.default.id } }];
  const name = "gw.example.org";
  const two: Changes = { ...changed({ amiId: images.newer }), wireguard: { endpoint: name }, replicas };

  test("is an instance with an address of its own, and the same clients may turn to it", async () => {
    const first = instance().id;
    const { outputs, summary } = await scenario.deployment.up(two);
    expect(summary).toMatchObject({ replaced: 0, deleted: 0 });
    const at = outputs.replicas?.["second"]?.address ?? "";
    expect(addresses.moreElastic).toContain(at);
    expect(instance().id).toBe(first);
    await scenario.lab.dns.lead(name, at);
    const { direct } = scenario.lab.clients;
    await direct.down();
    await direct.up(outputs.replicaProfiles!["second"]!["direct"]!);
    await until("the client is seen as the replica", 30_000, async () => {
      const seen = await direct.fetch(`http://${addresses.web}/`, { timeout: 1000 }).catch(() => "");
      return seen.trim() === at;
    });
    await direct.down();
  });

  test("goes with its instance, and the first stays", async () => {
    const first = instance().id;
    await scenario.deployment.up(changed({ amiId: images.newer }));
    await cloud.settled();
    expect(cloud.instances.map(({ id }) => id)).toEqual([first]);
    expect(cloud.state.addresses).toHaveLength(1);
  });
});

describe("at the end", () => {
  test(lastEc2Flow.title, async () => {
    expect(await wrongRows(lastEc2Flow)).toEqual([]);
  });
});
