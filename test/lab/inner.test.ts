import { afterAll, beforeAll, expect, test } from "vitest";
import { onMachine, withoutRepair, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { deployInto, openLab } from "../../lab/scenario";
import { addresses } from "../../lab/topology";
import { type Attacks, insert, notReached } from "./attacks";

const quiet = () => undefined;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
});
afterAll(() => Lab.clear());

const machine = (script: string): Promise<string> => onMachine(scenario, script).then((text) => text.trim());
const inNamespace = async (script: string): Promise<boolean> =>
  (await scenario.lab.machine.exec(["ip", "netns", "exec", "vpn_ns", "bash", "-c", script])).exitCode === 0;
const insertInside = (chain: string, rule: string): string => `ip netns exec vpn_ns ${insert(chain, rule)}`;

/** Asks the namespace's resolver for an internal name, by itself: the C library asks systemd-resolved first, which is the host's. */
const ASK = `
import socket, struct
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.settimeout(2)
labels = b"".join(bytes([len(part)]) + part for part in (b"vault", b"raff", b"local"))
asked.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\\0\\0\\1\\0\\1", ("10.200.1.1", 53))
print(socket.inet_ntoa(asked.recv(500)[-4:]))`;

const attacks: Attacks = {
  "a client, by a network beside the gateway": () => ({
    reach: async () => {
      const { cloud } = scenario.lab.hosts;
      const arriving = await scenario.lab.machine.network().capture("wg0", "icmp and dst host 10.4.0.50");
      await cloud.must(["ip", "route", "replace", "10.4.0.50/32", "via", addresses.gateway, "dev", "to-gateway"]);
      await cloud.run(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "10.4.0.50"]);
      await cloud.must(["ip", "route", "del", "10.4.0.50/32"]);
      return (await arriving.stop()).length > 0;
    },
    control: insert("forward_inward", "ip daddr 10.4.0.50"),
  }),
  "the machine's SSH, by the exit's namespace": () => ({
    reach: () => inNamespace("timeout 2 bash -c 'head -c 7 </dev/tcp/10.200.1.1/22' | grep -q SSH-2.0"),
    control: `${insert("input_from_exit_vpn", "tcp dport 22")}; ${insertInside("filter_output", "tcp dport 22")}`,
  }),
  "a network beside the gateway, by the exit's namespace": () => ({
    reach: () => inNamespace(`timeout 2 bash -c '</dev/tcp/${addresses.vpcHost}/80'`),
    control: [
      `ip -n vpn_ns route replace ${addresses.vpcHost} via 10.200.1.1`,
      insertInside("filter_output", `ip daddr ${addresses.vpcHost}`),
      insert("forward_from_exit_vpn", `ip daddr ${addresses.vpcHost}`),
    ].join("; "),
  }),
  "the exit's namespace, by the provider": () => ({
    reach: async () => {
      const tunnel = await machine("ip -n vpn_ns -4 -o address show dev tun0 | grep -o 'inet [0-9.]*' | cut -c6-");
      const ping = ["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", tunnel];
      return (await scenario.lab.hosts.provider.run(ping)).exitCode === 0;
    },
    control: insertInside("filter_input", "icmp type echo-request"),
  }),
};

notReached(() => scenario, attacks, `ip -n vpn_ns route del ${addresses.vpcHost} 2>/dev/null || true`);

test("reached: the gateway's DNS by the namespace, and ping of the gateway by clients", async () => {
  expect(await inNamespace(`python3 -c '${ASK}' | grep -qx 10.4.0.7`)).toBe(true);
  for (const client of Object.values(scenario.lab.clients)) expect(await client.ping("10.4.0.1")).toBe(true);
  // Control: without the rule there is no answer.
  await withoutRepair(scenario, async () => {
    await onMachine(scenario, "nft insert rule inet wg_gateway input_from_clients icmp type echo-request drop");
    expect(await scenario.lab.clients.direct.ping("10.4.0.1")).toBe(false);
    await onMachine(scenario, "gatewayctl check --repair");
  });
});
