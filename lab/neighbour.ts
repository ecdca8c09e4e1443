import { dirname } from "node:path";

import type { Machine } from "./machine";

/** Priority of the neighbour's ip rule. */
export const SOMEBODY_ELSES_PRIORITY = 5000;

/**
 * Somebody else who uses the gateway's machine: an ip rule, a routing table, and an nftables table of their own, made with the
 * tools image's nft, for the machine has none yet. A gateway must neither need nor touch them.
 */
export async function moveIn(machine: Machine): Promise<void> {
  await machine.must([
    "ip",
    "rule",
    "add",
    "priority",
    String(SOMEBODY_ELSES_PRIORITY),
    "from",
    "192.0.2.77",
    "lookup",
    "77",
  ]);
  await machine.must(["ip", "route", "add", "blackhole", "192.0.2.77", "table", "77"]);
  const rules =
    "table ip neighbour {\n chain input {\n type filter hook input priority 10; ip saddr 192.0.2.77 drop\n }\n}\n";
  await machine.network().must(["nft", "-f", "-"], { input: rules });
}

/** A shell text with which somebody binds a UDP port, as the unit `somebody`. */
export const holdPort = (port: number): string =>
  `systemd-run --quiet --unit=somebody python3 -c 'import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", ${port})); time.sleep(600)'
   until ss -Hlunp 'sport = :${port}' | grep -q python3; do :; done`;

const DROP_IN = "/etc/systemd/system/wg-quick@wg0.service.d/somebody.conf";

/** A shell text with which somebody keeps wg0 from coming up at a port, in a way that nobody can know beforehand. */
export const refusePort = (port: number): string =>
  `mkdir -p ${dirname(DROP_IN)}
   printf '[Service]\\nExecStartPre=/bin/sh -c "! grep -qx ListenPort.=.${port} /etc/wireguard/wg0.conf"\\n' >${DROP_IN}
   systemctl daemon-reload`;
/** Takes away what {@link refusePort} made. */
export const ALLOW_PORTS = `rm ${DROP_IN}; systemctl daemon-reload`;

/** A shell text with which somebody gives routing tables, and the protocol of our rules and routes, names of their own. */
export const nameTables = (...tables: number[]): string =>
  `mkdir -p /etc/iproute2/rt_tables.d /etc/iproute2/rt_protos.d
   printf '%s\\n' ${tables.map((table) => `'${table} named-${table}'`).join(" ")} >/etc/iproute2/rt_tables.d/somebody.conf
   echo '45 named-45' >/etc/iproute2/rt_protos.d/somebody.conf`;

/** What is there of the neighbour, as text: the same before and after, if nobody touched it. */
export async function possessions(machine: Machine): Promise<string> {
  const rule = await machine.must(["ip", "rule", "show", "priority", String(SOMEBODY_ELSES_PRIORITY)]);
  const route = await machine.must(["ip", "route", "show", "table", "77"]);
  const table = await machine.network().must(["nft", "-s", "list", "table", "ip", "neighbour"]);
  return `${rule}${route}${table}`;
}
