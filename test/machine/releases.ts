import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderBundle } from "../../gateway/render/bundle";
import { gatewayOf } from "../gateway/gateways";

/** A model of the machine, to run programs on; see there. */
export const MODEL = readFileSync(join(__dirname, "modelMachine.py"), "utf8");

const release = (raw: Parameters<typeof gatewayOf>[0]): string => {
  const { plan, secrets } = gatewayOf(raw);
  const unit = { path: "/etc/systemd/system/wg-gateway-watch.service", mode: "0644" as const, content: "[Unit]\n" };
  return renderBundle({ plan, secrets, target: { machine: "i-1", owner: "o/p/s/gateway" }, fixed: [unit] });
};

/** Each differs from the others in exits, their slots and profiles, clients, names, groups and wg0 itself. */
export const releases = [
  release({
    exits: [
      { name: "vpn", profile: "asks.ovpn" },
      { name: "se", profile: "plain.ovpn", slot: 3 },
    ],
    clients: [{ name: "laptop", address: "10.4.0.50" }],
  }),
  release({
    exits: [
      { name: "vpn", profile: "plain.ovpn" },
      { name: "se", profile: "plain.ovpn", slot: 4 },
      { name: "nl", kind: "wireguard", profile: "wg.conf", slot: 5 },
    ],
    groups: [{ name: "any", members: ["nl", "vpn"] }],
    rules: [{ from: "10.4.0.128/25", exit: "any" }],
    clients: [
      { name: "laptop", address: "10.4.0.50" },
      { name: "phone", address: "10.4.0.200" },
    ],
    wireguard: { port: 45999, mtu: 1400 },
    dns: { records: { "nas.internal": "10.4.0.9" } },
  }),
  release({ clients: [{ name: "phone", address: "10.4.0.200" }], localNetworks: [] }),
];
