import type { Concerned, Fault } from "./fault";
import { answerable, type Scene } from "./scene";

/** The next run of the repair timer. */
export const byTimer = { back: "timer", mend: (scene: Scene) => scene.repair() } as const;

export const vpn: Concerned = { vpn: answerable };
export const providers: Concerned = { ...vpn, wg: answerable };
export const everybody: Concerned = { ...providers, direct: answerable };

const signals: Fault[] = ["TERM", "USR1", "HUP"].map((signal) => ({
  title: `OpenVPN: ${signal}`,
  make: `systemctl kill -s ${signal} wg-gateway-exit@vpn`,
  concerns: vpn,
  back: "unit",
}));

/** What carries a tunnel goes away. */
export const tunnelFaults: readonly Fault[] = [
  ...signals,
  {
    title: "OpenVPN and the WireGuard provider's tunnel: KILL",
    make: "systemctl kill -s KILL wg-gateway-exit@vpn wg-gateway-exit@wgprov",
    concerns: providers,
    back: "unit",
  },
  { title: "tun0 down", make: "ip -n vpn_ns link set tun0 down", concerns: vpn, ...byTimer },
  {
    title: "tun0 deleted, OpenVPN's and the WireGuard provider's",
    make: "ip -n vpn_ns link del tun0; ip -n vpn_ns_wgprov link del tun0",
    concerns: providers,
    back: "unit, watch daemon",
  },
  { title: "veth down", make: "ip link set veth-wg down", concerns: vpn, ...byTimer },
  { title: "veth deleted", make: "ip link del veth-wg", concerns: vpn, ...byTimer },
  {
    // Its name alone: what runs in it keeps it, and goes on.
    title: "namespace deleted, and what runs in it killed",
    make: "ip netns del vpn_ns; systemctl kill -s KILL wg-gateway-exit@vpn",
    concerns: vpn,
    ...byTimer,
  },
  {
    title: "wg0 down",
    make: "ip link set wg0 down",
    concerns: everybody,
    ...byTimer,
  },
  {
    title: "wg0 deleted",
    make: "ip link del wg0",
    concerns: everybody,
    ...byTimer,
  },
];
