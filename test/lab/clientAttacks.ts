import { orNothing } from "../../lab/flows";
import type { Host } from "../../lab/host";
import type { Lab } from "../../lab/lab";
import { addresses } from "../../lab/topology";
import { type Attacks, insert } from "./attacks";

/** Whether a page comes, all of it. */
export const fetches =
  (host: Host, url: string, seconds = 1) =>
  async (): Promise<boolean> =>
    (await host.run(["curl", "-sf", "-o", "/dev/null", "--max-time", String(seconds), url])).exitCode === 0;
/** Whether sshd greets. */
export const greets = (host: Host, address: string) => async (): Promise<boolean> =>
  (await host.run(["timeout", "2", "bash", "-c", `head -c 7 </dev/tcp/${address}/22`])).stdout === "SSH-2.0";
/** What a client must not reach, whatever way its rules lead it. @param other another client's address */
export const byClient = (lab: () => Lab, name: "direct" | "vpn", own: string, other: string): Attacks => {
  const client = () => lab().clients[name];
  const reaches = (url: string) => (): Promise<boolean> => fetches(client().host, url)();
  return {
    [`the metadata service, by the ${name} client`]: () => ({
      reach: reaches(`http://${addresses.metadata}/`),
      control: `ip rule add priority 98 to ${addresses.metadata} lookup main; ${insert("forward_from_clients", "ip daddr 169.254.0.0/16")}`,
    }),
    [`SSH, by the ${name} client`]: () => ({
      reach: () => greets(client().host, "10.4.0.1")(),
      control: insert("input_from_clients", "tcp dport 22"),
    }),
    [`another service of the machine, by the ${name} client`]: () => ({
      reach: reaches("http://10.4.0.1:8080/"),
      control: insert("input_from_clients", "tcp dport 8080"),
    }),
    [`the same at the machine's outer address, by the ${name} client`]: () => ({
      reach: reaches(`http://${addresses.gateway}:8080/`),
      control: insert("input_from_clients", "tcp dport 8080"),
    }),
    [`an exit's resolver, by the ${name} client that asks it by its address`]: () => ({
      reach: async () =>
        (await orNothing(client().dig("vault.raff.local", { server: "10.200.1.1" }).then(String))) === "10.4.0.7",
      control: insert("input_from_clients", "ip daddr 10.200.1.1"),
    }),
    [`an exit's namespace, by the ${name} client`]: () => ({
      reach: () => client().ping("10.200.1.2", 2),
      control: [
        "ip rule add priority 98 to 10.200.1.2 lookup main",
        insert("forward_from_clients", "ip daddr 10.200.1.2"),
        insert("forward_from_exit_vpn", "ip saddr 10.200.1.2"),
        ...["filter_input", "filter_output"].map(
          (chain) => `ip netns exec vpn_ns ${insert(chain, "meta l4proto icmp")}`,
        ),
      ].join("; "),
    }),
    [`the gateway, by the ${name} client with another client's address`]: () => ({
      reach: async () => {
        const { host } = client();
        const arrived = await lab().machine.network().capture("wg0", `icmp and src host ${other}`);
        await host.must(["ip", "address", "add", `${other}/32`, "dev", "wg0"]);
        await host.run(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-I", other, "10.4.0.1"]);
        await host.must(["ip", "address", "del", `${other}/32`, "dev", "wg0"]);
        return (await arrived.stop()).length > 0;
      },
      control: `wg set wg0 peer "$(wg show wg0 allowed-ips | sed -n 's/\\t${own}.*//p')" allowed-ips ${own}/32,${other}/32`,
    }),
  };
};
