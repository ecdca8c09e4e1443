import { contains, intervalOf, isAddress, overlap } from "./address";
import type { Report } from "./fault";
import { portInterval, type Service } from "./fields";
import type { GatewayMachine } from "./replicaChecks";
import type { Shape } from "./schema";

/** A port that services cannot have. */
export interface TakenPort {
  readonly protocol: Service["protocol"];
  readonly port: number;
  /** What has it. */
  readonly by: string;
}

/** SSH on EC2 has a setting of its own, which asks whether the whole internet is meant. */
export const sshPort: TakenPort = { protocol: "tcp", port: 22, by: "SSH from sshFrom" };

/**
 * Checks services against each other and against what the machine serves anyway.
 * @param key where the list stands
 */
export function checkServices(all: readonly Service[], key: string, taken: readonly TakenPort[], report: Report): void {
  const ports = all.flatMap(({ protocol, ports }, index) =>
    ports.map((port, at) => ({ protocol, port, key: `${key}[${index}].ports[${at}]` })),
  );
  ports.forEach((one, index) => {
    const interval = portInterval(one.port);
    const meets = (protocol: Service["protocol"], other: number | string) =>
      one.protocol === protocol && overlap(interval, portInterval(other));
    const by =
      taken.find(({ protocol, port }) => meets(protocol, port))?.by ??
      ports.slice(0, index).find(({ protocol, port }) => meets(protocol, port))?.key;
    if (by !== undefined)
      report(one.key, one.port, `a ${one.protocol} port or range that nothing else has; ${by} has it`, "take it out");
  });
}

/** Checks what the gateway's machines publish, and who needs their addresses. */
export function checkPublished(
  { services, addresses }: Shape["published"],
  { clients, wireguard, metrics }: Pick<Shape, "clients" | "wireguard" | "metrics">,
  machines: readonly GatewayMachine[],
  report: Report,
): void {
  const dns = [53, 5353].flatMap((port) =>
    (["udp", "tcp"] as const).map((protocol) => ({ protocol, port, by: "the clients' resolver" })),
  );
  const taken: TakenPort[] = [...dns, { protocol: "udp", port: wireguard.port, by: "WireGuard" }];
  if (metrics) taken.push({ protocol: "tcp", port: metrics.port, by: "metrics.port" });
  if (machines.some(({ host }) => host.kind === "ec2" && !host.sshFromAnywhere)) taken.push(sshPort);
  checkServices(services, "published.services", taken, report);

  addresses?.forEach((address, index) => {
    if (contains(intervalOf(wireguard.subnet), intervalOf(address)))
      report(
        `published.addresses[${index}]`,
        address,
        `an address outside the clients' network ${wireguard.subnet}`,
        "give the addresses that the internet reaches the machine by",
      );
  });
  const transparent = clients.findIndex(({ tunnel }) => tunnel === "transparent");
  if (addresses || (services.length === 0 && transparent < 0)) return;
  const needs = services.length > 0 ? "published.services" : `clients[${transparent}].tunnel`;
  for (const { key, host } of machines) {
    if (host.kind !== "existing" || isAddress(host.address)) continue;
    if (machines.length === 1)
      report(
        "published.addresses",
        undefined,
        `IPv4 addresses, where host.address is a name and ${needs} needs them: rules take no names`,
        "list the addresses that the name has",
      );
    else
      report(
        `${key}.address`,
        host.address,
        `an IPv4 address, where there are replicas and ${needs} needs it: rules take no names`,
        "give the address that the name has; a name for clients is wireguard.endpoint",
      );
  }
}
