import { addresses } from "../topology";
import { breaking, holds, orNothing, same, type Flow, type Row, type Scenario } from "./flow";

let question = 0;
/** A name that nobody has asked for yet, so that no cache answers. */
export const freshName = (): string => `fresh-${process.pid}-${++question}.example`;

/** What comes from a client to the web and to the DNS upstreams, and from which address. */
async function outside(scenario: Scenario, which: "direct" | "vpn", expected: string): Promise<Row[]> {
  const { lab } = scenario;
  const client = lab.clients[which];
  const name = freshName();
  const web = await orNothing(client.fetch(`http://${addresses.web}/`));
  const answer = await orNothing(client.dig(name).then((lines) => lines.join(" ")));
  const askers = new Set(
    lab.dns
      .queries()
      .filter((query) => query.name === name)
      .map(({ from }) => from),
  );
  return [
    same("web server sees", expected, web),
    same("DNS answers", addresses.web, answer),
    same("DNS upstream sees", expected, [...askers].join(" ") || "nobody"),
  ];
}

export const direct: Flow = {
  title: "direct client",
  observe: (scenario) => outside(scenario, "direct", addresses.elastic),
  control: breaking("no masquerading", "nft flush chain inet wg_gateway nat_postrouting; conntrack -F"),
};

/** What of the packets on the gateway's uplink is neither WireGuard to the clients, nor the deployment's SSH, nor the machine's own DNS. */
const CLIENT_TRAFFIC = `ip and not udp port 45822 and not tcp port 22 and not host ${addresses.vpcResolver}`;

export const vpn: Flow = {
  title: "VPN client",
  async observe(scenario) {
    const capture = await scenario.lab.machine.network().capture("ens5", CLIENT_TRAFFIC);
    const rows = await outside(scenario, "vpn", addresses.provider);
    const packets = await capture.stop();
    const others = packets.filter(
      (line) => !line.includes(` ${addresses.provider}.1194 `) && !line.includes(` ${addresses.provider}.1194:`),
    );
    return [
      ...rows,
      holds(
        "on the uplink, OpenVPN's packets",
        "some",
        packets.length > others.length,
        `${packets.length - others.length}`,
      ),
      holds("on the uplink, any others", "none", others.length === 0, others[0] ?? "none"),
    ];
  },
  control: breaking(
    "the rule for the mark lost, the fallback too, and the forward chain open",
    `ip rule del priority 200; ip rule del priority 300
     nft insert rule inet wg_gateway forward_from_clients ip saddr 10.4.0.128/25 accept
     nft insert rule inet wg_gateway filter_postrouting accept; ip rule del priority 201; conntrack -F`,
  ),
};

export const internal: Flow = {
  title: "client to client",
  async observe(scenario) {
    const { clients, machine } = scenario.lab;
    const uplink = await machine.network().capture("ens5", "net 10.4.0.0/24");
    const rows = [
      same("10.4.0.200 sees", "10.4.0.50", await orNothing(clients.direct.fetch("http://10.4.0.200/"))),
      same("10.4.0.50 sees", "10.4.0.200", await orNothing(clients.vpn.fetch("http://10.4.0.50/"))),
    ];
    const strays = await uplink.stop();
    return [...rows, same("inner packets on the uplink", "none", strays[0] ?? "none")];
  },
  control: breaking(
    "masquerading on wg0",
    'nft insert rule inet wg_gateway nat_postrouting oifname "wg0" masquerade; conntrack -F',
  ),
};

export const local: Flow = {
  title: "local network",
  async observe({ lab }) {
    const url = `http://${addresses.vpcHost}/`;
    return [
      same("10.0.2.20 sees the direct client as", lab.gatewayAddress, await orNothing(lab.clients.direct.fetch(url))),
      same("10.0.2.20 sees the VPN client as", lab.gatewayAddress, await orNothing(lab.clients.vpn.fetch(url))),
    ];
  },
  control: breaking(
    "the rules for local networks lost",
    "for priority in 102 103 104; do ip rule del priority $priority; done; conntrack -F",
  ),
};

const LOCAL_NAMES = { "vault.raff.local": "10.4.0.7", "rafflab.internal": "10.4.0.3" } as const;

export const names: Flow = {
  title: "internal names",
  async observe({ lab }) {
    const before = lab.dns.queries().length;
    const rows: Row[] = [];
    for (const [who, client] of Object.entries(lab.clients))
      for (const [name, address] of Object.entries(LOCAL_NAMES)) {
        const seen: string[] = [];
        for (const tcp of [false, true])
          seen.push(await orNothing(client.dig(name, { tcp }).then((lines) => lines.join(" "))));
        // Another type of the name must not be asked for outside either.
        await client.dig(name, { type: "AAAA" }).catch(() => []);
        rows.push(same(`${who}: ${name} by UDP, TCP`, `${address} ${address}`, seen.join(" ")));
      }
    const asked = lab.dns
      .queries()
      .slice(before)
      .filter(({ name }) => name in LOCAL_NAMES);
    return [...rows, same("questions for them outside", "none", asked.map(({ name }) => name).join(" ") || "none")];
  },
  control: breaking(
    "records taken out of the resolvers",
    `sed -i '/^host-record=/d; /^local=/d' /etc/wg-gateway/resolvers/*.conf
     systemctl restart wg-gateway-resolver@{direct,vpn}
     until ss -Hlun "sport = :53 and src 10.200.1.1" | grep -q .; do read -rt 0.05 <> <(:) || :; done`,
  ),
};
