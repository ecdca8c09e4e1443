import { addresses } from "../topology";
import { probe } from "../probes";
import { until } from "../process";
import { breaking, holds, onMachine, withoutRepair, type Flow, type Row } from "./flow";

export const failure: Flow = {
  title: "provider lost",
  async observe(scenario) {
    const { lab } = scenario;
    const vpn = lab.clients.vpn;
    const { sent, leaked, whole, direct } = await withoutRepair(scenario, async () => {
      await onMachine(scenario, "systemctl kill -s KILL wg-gateway-exit@vpn; systemctl stop wg-gateway-exit@vpn");
      const undisturbed = lab.clients.direct.host.run(["ping", "-n", "-q", "-i", "0.02", "-c", "200", addresses.web], {
        timeout: 20_000,
      });
      return { ...(await probe(lab, vpn.host)), direct: await undisturbed };
    });
    const rows: Row[] = [
      holds("probes sent by the VPN client", "1000 or more", sent >= 1000, String(sent)),
      holds(
        "probes seen outside, or at the DNS upstreams",
        "0",
        leaked.length === 0 && whole,
        leaked.length === 0 ? "0" : `${leaked.length}: ${leaked[0]}`,
      ),
      holds(
        "direct client's packets lost meanwhile",
        "0",
        / 0% packet loss/.test(direct.stdout),
        /(\S+) packet loss/.exec(direct.stdout)?.[1] ?? direct.stdout,
      ),
    ];
    await onMachine(scenario, "systemctl start wg-gateway-exit@vpn");
    const began = Date.now();
    const back = await until("the VPN client is back", 30_000, async () => {
      const seen = await vpn.fetch(`http://${addresses.web}/`, { timeout: 1000 }).catch(() => "");
      return seen.trim() || undefined;
    }).catch(() => "no answer");
    rows.push(
      holds(
        "after release, web server sees",
        addresses.provider,
        back === addresses.provider,
        `${back} (${((Date.now() - began) / 1000).toFixed(1)} s)`,
      ),
    );
    return rows;
  },
  control: breaking(
    "the rules for the marks lost, the fallback too, and the chains open",
    `ip rule del priority 200; ip rule del priority 201; ip rule del priority 300
     nft insert rule inet wg_gateway forward_from_clients ip saddr 10.4.0.128/25 accept
     nft insert rule inet wg_gateway filter_postrouting accept; conntrack -F`,
  ),
};
