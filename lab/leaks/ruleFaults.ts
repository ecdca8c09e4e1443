import { kinds } from "../probes";
import type { Fault } from "./fault";
import { byTimer, everybody, providers } from "./tunnelFaults";

/** Every ip rule but the kernel's own; in one run, for what lies between is everybody's. */
export const FLUSH_RULES = `printf 'rule %s\\n' flush 'add priority 32766 from all lookup main' | ip -batch -`;
const OPEN_HOST = `nft insert rule inet wg_gateway forward_from_clients accept
  nft insert rule inet wg_gateway filter_postrouting accept`;
const STOP = "systemctl stop wg-gateway-exit@vpn wg-gateway-exit@wgprov";
const VETHS_DOWN = "ip link set veth-wg down; ip link set veth-wg-2 down";
const IN_NAMESPACES = (script: string): string =>
  [1, 2]
    .map((slot) => script.replaceAll("NS", slot === 1 ? "vpn_ns" : "vpn_ns_wgprov").replaceAll("SLOT", `${slot}`))
    .join("\n");

/** Somebody loses or takes away rules and routes, of all exits at once. */
export const ruleFaults: readonly Fault[] = [
  { title: "ip rules flushed", make: FLUSH_RULES, concerns: providers, ...byTimer },
  {
    title: "tables 200 and 201 flushed",
    make: "ip route flush table 200; ip route flush table 201",
    concerns: providers,
    ...byTimer,
  },
  {
    title: "our nft table flushed in the host",
    make: "nft flush table inet wg_gateway",
    concerns: everybody,
    ...byTimer,
  },
  {
    title: "our nft table deleted in the host",
    make: "nft delete table inet wg_gateway",
    concerns: everybody,
    ...byTimer,
  },
  { title: "all nft rules flushed in the host", make: "nft flush ruleset", concerns: everybody, ...byTimer },
  {
    title: "ip rules flushed, the machine's own too, and our nft table deleted in the host",
    make: "ip rule flush; nft delete table inet wg_gateway",
    concerns: everybody,
    ...byTimer,
  },
  {
    title: "our nft table flushed in the namespaces",
    make: IN_NAMESPACES("ip netns exec NS nft flush table inet wg_gateway"),
    concerns: providers,
    ...byTimer,
  },
  {
    title: "our nft table deleted in the namespaces",
    make: IN_NAMESPACES("ip netns exec NS nft delete table inet wg_gateway"),
    concerns: providers,
    ...byTimer,
  },
  {
    title: "layer 1 off: namespaces open, default route by the veth, tunnels stopped",
    make: `${STOP}
      ${IN_NAMESPACES("ip netns exec NS nft delete table inet wg_gateway; ip -n NS route add default via 10.200.SLOT.1")}`,
    concerns: providers,
    ...byTimer,
  },
  {
    title: "layer 2 off: no unreachable default, veths down",
    make: `for table in 200 201; do ip route del unreachable default metric 4294967295 table $table; done
      ${VETHS_DOWN}`,
    concerns: providers,
    ...byTimer,
  },
  {
    title: "layer 3 off: the host's chains open, tunnels stopped, veths down",
    make: `${OPEN_HOST}
      ${STOP}
      ${VETHS_DOWN}`,
    // Whose rules differ is mended with what was tracked meanwhile forgotten; then as where connection tracking is flushed.
    concerns: { ...providers, direct: ["tcp running"] },
    bites: ["vpn", "wg"],
    ...byTimer,
  },
];

/** Takes away what holds the probes: then they must be seen. */
export const controls: readonly Fault[] = [
  {
    title: "control: ip rules flushed, the host's chains open",
    make: async (scene) => {
      await scene.on(`${FLUSH_RULES}; ${OPEN_HOST}; conntrack -F`);
      // And IPv6 past the client's tunnel, which the gateway never sees.
      for (const home of ["home-direct", "home-vpn", "home-4"] as const)
        await scene.lab.client(home).host.must(["ip", "-6", "route", "flush", "table", "51820"]);
    },
    concerns: everybody,
    shows: kinds,
    back: "timer",
    mend: async (scene) => {
      for (const home of ["home-direct", "home-vpn", "home-4"] as const)
        await scene.lab.client(home).host.must(["ip", "-6", "route", "add", "default", "dev", "wg0", "table", "51820"]);
      await scene.repair();
    },
  },
  {
    title: "control: namespaces open and translating, default route by the veth, tunnels stopped",
    make: `${STOP}
      ${IN_NAMESPACES(`ip netns exec NS nft 'delete table inet wg_gateway; add table ip open
        add chain ip open out { type nat hook postrouting priority 100; }
        add rule ip open out oifname "veth-*" masquerade'
        ip -n NS route add default via 10.200.SLOT.1`)}`,
    concerns: everybody,
    shows: kinds.filter((kind) => kind !== "ipv6"),
    back: "timer",
    mend: async (scene) => {
      await scene.on(IN_NAMESPACES("ip netns exec NS nft delete table ip open"));
      await scene.repair();
    },
  },
];
