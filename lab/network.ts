import { readdirSync } from "node:fs";
import { join } from "node:path";

import { findProcesses, isAlive, must, networkAt, networkOf, run, signal, until } from "./process";
import {
  extraAddresses,
  type HostName,
  hostNames,
  type PlaceName,
  type Link,
  links,
  namespaceOf,
  namespacePrefix,
  routerDevice,
  routers,
} from "./topology";

const namespaceDir = "/run/netns";

/** The path by which a host's network namespace is entered. */
export function namespacePath(host: PlaceName): string {
  return join(namespaceDir, namespaceOf(host));
}

/**
 * Makes the namespaces and the links between them. Links are made inside the namespaces, never seen by the machine's own
 * network, which gets no route, address or forwarding from the lab.
 * @throws CommandError when something of that name stands already
 */
export async function createNetwork(): Promise<void> {
  await createNamespaces(hostNames, links);
}

/**
 * Makes one host's namespace and links anew, as a machine's network card is new after a power cycle, or for the first time.
 * @param own the host's links; default those of the topology
 */
export async function recreateHost(
  host: PlaceName,
  own: readonly Link[] = links.filter((link) => link.host === host),
): Promise<void> {
  // The kernel takes a removed namespace's links away some time later: their names must be free now.
  for (const link of own) await run(["ip", "-n", namespaceOf(link.router), "link", "delete", routerDevice(link)]);
  await removeNamespaces([namespaceOf(host)]);
  await createNamespaces([host], own);
}

async function createNamespaces(hosts: readonly PlaceName[], links: readonly Link[]): Promise<void> {
  await batch(
    [],
    hosts.map((host) => `netns add ${namespaceOf(host)}`),
  );
  // Before the links: a device takes the settings that stand when it is made.
  await Promise.all(hosts.map((host) => setSysctls(host)));
  await batch(
    [],
    links.map(
      (link) =>
        `link add ${routerDevice(link)} netns ${namespaceOf(link.router)} mtu 1500 type veth ` +
        `peer name ${link.device} netns ${namespaceOf(link.host)} mtu 1500`,
    ),
  );
  const routersToo = new Set([...hosts, ...links.map((link) => link.router)]);
  await Promise.all(
    [...routersToo].map((host) =>
      batch(
        ["-n", namespaceOf(host)],
        [
          ...(hosts.includes(host) ? loopback(host) : []),
          ...links.filter((link) => link.host === host && !link.selfConfigured).flatMap(hostEnd),
          ...links.filter((link) => link.router === host).flatMap(routerEnd),
          ...(host === "cloud" ? ["route replace unreachable 10.0.0.0/16"] : []),
        ],
      ),
    ),
  );
}

function loopback(host: PlaceName): string[] {
  return [
    "link set lo up",
    ...(extraAddresses[host as HostName] ?? []).map((address) => `address add ${address}/32 dev lo`),
  ];
}

function hostEnd({ device, addresses, via }: Link): string[] {
  return [
    `link set ${device} up`,
    ...addresses.map((address) => `address add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`),
    // A route to the router first, as on a shared link: OpenVPN's redirect-gateway cannot use "onlink".
    ...via.flatMap((router) =>
      router.includes(":")
        ? [`route add default via ${router} dev ${device}`]
        : [`route replace ${router} dev ${device}`, `route add default via ${router}`],
    ),
  ];
}

function routerEnd(link: Link): string[] {
  const device = routerDevice(link);
  return [
    `link set ${device} up`,
    ...link.via.map((router) =>
      router.includes(":") ? `address add ${router}/64 dev ${device} nodad` : `address add ${router}/32 dev ${device}`,
    ),
    ...link.addresses.map((address) => `route add ${address.split("/")[0]} dev ${device}`),
  ];
}

async function setSysctls(host: PlaceName): Promise<void> {
  const forwarding = routers.some((router) => router === host) ? 1 : 0;
  // A new namespace inherits the machine's own settings, which may be anything (Docker turns forwarding on).
  const settings = {
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/ip_forward": forwarding,
    "ipv6/conf/all/forwarding": forwarding,
    "ipv6/conf/default/accept_dad": 0,
    "ipv4/ping_group_range": "0 2147483647",
  };
  const script = Object.entries(settings).map(([key, value]) => `echo ${value} > /proc/sys/net/${key}\n`);
  await must(["nsenter", `--net=${namespacePath(host)}`, "sh", "-eu"], { input: script.join("") });
}

/** Ends with this process: after it nobody makes what a later lab has to clear. */
async function batch(options: string[], lines: readonly string[]): Promise<void> {
  await must(["setpriv", "--pdeathsig", "KILL", "--", "ip", ...options, "-batch", "-"], {
    input: `${lines.join("\n")}\n`,
  });
}

/** The lab's network namespaces that stand, by name. */
export function standingNamespaces(): string[] {
  try {
    return readdirSync(namespaceDir).filter((name) => name.startsWith(namespacePrefix));
  } catch {
    return [];
  }
}

/** Whether this process lives in one of the lab's namespaces. */
export function insideLab(): boolean {
  return standingNamespaces().some((name) => networkAt(join(namespaceDir, name)) === networkOf("self"));
}

/** Ends every process that lives in these namespaces and removes them with their links. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  const networks = new Set(names.map((name) => networkAt(join(namespaceDir, name))));
  const inhabitants = findProcesses((pid) => networks.has(networkOf(pid) ?? ""));
  for (const id of inhabitants) signal(id, "SIGKILL");
  await until("the lab's processes end", 5000, () => !inhabitants.some(isAlive));
  if (names.length > 0)
    await batch(
      ["-force"],
      names.map((name) => `netns delete ${name}`),
    ).catch(() => undefined);
  await until("the lab's network namespaces are gone", 5000, async () => {
    const left = standingNamespaces().filter((name) => names.includes(name));
    await Promise.all(left.map((name) => run(["ip", "netns", "delete", name])));
    return left.length === 0;
  });
}
