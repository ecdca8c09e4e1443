import { contains, intervalOf, isAddress, overlap } from "./address";
import type { Report } from "./fault";
import { portInterval, type Service } from "./fields";
import { elements, having, type Parts, pick, sound, whole } from "./parts";
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
export function checkServices(
  all: Parts<readonly Service[]>,
  key: string,
  taken: readonly TakenPort[],
  report: Report,
): void {
  const ports = elements(all).flatMap((service, index) => {
    const { protocol } = pick(service, "protocol") ?? {};
    if (typeof service !== "object" || protocol === undefined) return [];
    return sound(service.ports).map(({ index: at, value: port }) => ({
      protocol,
      port,
      key: `${key}[${index}].ports[${at}]`,
    }));
  });
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
  published: Parts<Shape["published"]>,
  { clients, wireguard, metrics }: Parts<Pick<Shape, "clients" | "wireguard" | "metrics">> & object,
  machines: readonly GatewayMachine[],
  report: Report,
): void {
  const services = typeof published === "object" ? published.services : [];
  const addresses = typeof published === "object" ? published.addresses : undefined;
  const dns = [53, 5353].flatMap((port) =>
    (["udp", "tcp"] as const).map((protocol) => ({ protocol, port, by: "the clients' resolver" })),
  );
  const taken: TakenPort[] = [...dns];
  const { port } = pick(wireguard, "port") ?? {};
  if (port !== undefined) taken.push({ protocol: "udp", port, by: "WireGuard" });
  const scraped = pick(metrics, "port");
  if (scraped) taken.push({ protocol: "tcp", port: scraped.port, by: "metrics.port" });
  const hosts = machines.flatMap(({ key, host }) => (typeof host === "object" ? [{ key, host }] : []));
  if (hosts.some(({ host }) => host.kind === "ec2" && host.sshFromAnywhere === false)) taken.push(sshPort);
  checkServices(services, "published.services", taken, report);

  const { subnet } = pick(wireguard, "subnet") ?? {};
  for (const { index, value: address } of sound(addresses))
    if (subnet !== undefined && contains(intervalOf(subnet), intervalOf(address)))
      report(
        `published.addresses[${index}]`,
        address,
        `an address outside the clients' network ${subnet}`,
        "give the addresses that the internet reaches the machine by",
      );
  const transparent = having(clients, "tunnel").find(({ tunnel }) => tunnel === "transparent");
  const needs =
    elements(services).length > 0 ? "published.services" : transparent && `clients[${transparent.index}].tunnel`;
  if (addresses !== undefined || needs === undefined) return;
  for (const { key, host } of hosts) {
    const address = host.kind === "existing" ? whole(host.address) : undefined;
    if (address === undefined || isAddress(address)) continue;
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
        address,
        `an IPv4 address, where there are replicas and ${needs} needs it: rules take no names`,
        "give the address that the name has; a name for clients is wireguard.endpoint",
      );
  }
}
