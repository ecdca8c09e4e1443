import {
  EXIT_NETWORKS,
  FALLBACK_TABLE,
  MARK_MASK,
  ROUTE_PROTOCOL,
  UNREACHABLE_METRIC,
  WG_INTERFACE,
} from "../plan/ids";
import type { ExitPlan, IpRule, Plan } from "../plan/plan";

const hex = (value: number): string => `0x${value.toString(16)}`;

/** A network as `ip rule show` prints it, with which our lines are compared: a single address has no length. */
const shown = (network: string): string => network.replace(/\/32$/, "");

/** The arguments of `ip rule add` for one rule (`man 8 ip-rule`), tagged as ours by its protocol. */
export const ruleArguments = (rule: IpRule): string =>
  [
    `priority ${rule.priority}`,
    `from ${shown(rule.from ?? "all")}`,
    ...(rule.to === undefined ? [] : [`to ${shown(rule.to)}`]),
    ...(rule.mark === undefined ? [] : [`fwmark ${hex(rule.mark)}/${hex(MARK_MASK)}`]),
    ...(rule.iif === undefined ? [] : [`iif ${rule.iif}`]),
    ...(rule.port === undefined ? [] : [`ipproto udp dport ${rule.port}`]),
    `lookup ${rule.table}`,
    `protocol ${ROUTE_PROTOCOL}`,
  ].join(" ");

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");

/** Whether a rule comes and goes with an exit: one that leads there, or that is about what its resolver says. */
const isOf = (exit: ExitPlan, { table, from }: IpRule): boolean => table === exit.table || from === exit.hostAddress;

/** The rules of no exit: peers, local networks and the fallback, one `ip rule` argument list a line. */
export function renderHostIpRules(plan: Plan): string {
  return lines(plan.ipRules.filter((rule) => !plan.exits.some((exit) => isOf(exit, rule))).map(ruleArguments));
}

/** The table behind the exits', one `ip route replace` argument list a line. A unicast route, not `unreachable`: the kernel's look back
 * at where an answer came from (rp_filter) meets the same rule, and takes a route to nowhere for a false source. */
export const renderHostRoutes = (): string =>
  lines([`default dev ${WG_INTERFACE} table ${FALLBACK_TABLE} protocol ${ROUTE_PROTOCOL}`]);

/** The rules of one exit. */
export function renderExitIpRules(plan: Plan, exit: ExitPlan): string {
  return lines(plan.ipRules.filter((rule) => isOf(exit, rule)).map(ruleArguments));
}

/**
 * The exit's routing table, one `ip route replace` argument list a line. The `unreachable` stands first and stays when the veth goes:
 * without it a lookup would fall through to the main table and out of the uplink.
 */
export function renderExitRoutes(exit: ExitPlan): string {
  return lines([
    `unreachable default metric ${UNREACHABLE_METRIC} table ${exit.table} protocol ${ROUTE_PROTOCOL}`,
    `default via ${exit.namespaceAddress} dev ${exit.hostLink} table ${exit.table} protocol ${ROUTE_PROTOCOL}`,
  ]);
}

/** What exit-up.sh and exit-down.sh read: shell assignments, names and addresses only. */
export function renderExitVariables(plan: Plan, exit: ExitPlan): string {
  const prefix = exit.network.split("/")[1] ?? "24";
  return lines([
    `NAMESPACE=${exit.namespace}`,
    `HOST_LINK=${exit.hostLink}`,
    `NAMESPACE_LINK=${exit.namespaceLink}`,
    `HOST_ADDRESS=${exit.hostAddress}`,
    `NAMESPACE_ADDRESS=${exit.namespaceAddress}`,
    `PREFIX_LENGTH=${prefix}`,
    `TABLE=${exit.table}`,
    `CLIENTS=${plan.wireguard.subnet}`,
    // Like CLIENTS a network in which no tunnel may have its own address (tun-up.sh).
    `EXIT_NETWORKS=${EXIT_NETWORKS}`,
    `LOG=${exit.log}`,
    ...(exit.provider.kind === "wireguard"
      ? [`TUNNEL_ADDRESS=${exit.provider.address}`, `TUNNEL_MTU=${exit.provider.mtu}`]
      : []),
  ]);
}
