import { addressNumber, addressText, contains, intervalOf, isAddress, type Interval } from "./address";
import type { Report } from "./fault";
import { checkHost, withHostKey } from "./hostChecks";
import { elements, malformed, type Parts, pick, sound, whole } from "./parts";
import { checkServices, sshPort, type TakenPort } from "./publishedChecks";
import type { EndpointShape, TunnelShape } from "./tunnelSchema";
import { checkUnique, type Said } from "./unique";

/** A checked endpoint, every default filled in. */
export type EndpointSettings = Omit<EndpointShape, "address" | "listenPort"> & {
  readonly address: string;
  readonly listenPort: number;
};

/** A checked tunnel, every default filled in. `publicAddresses` of an endpoint is undefined for its host's address. */
export type TunnelSettings = Omit<TunnelShape, "network" | "endpoints"> & {
  /** What `route: prefix` puts on the interfaces, CIDR. */
  readonly network: string;
  readonly endpoints: readonly EndpointSettings[];
};

type ReadFile = (path: string) => string | undefined;

/** The smallest network, /30 or larger, in which each address is neither the first nor the last. */
function smallestNetwork(addresses: readonly string[]): string {
  const numbers = addresses.map(addressNumber);
  for (let length = 30; length > 0; length--) {
    const size = 2 ** (32 - length);
    const first = Math.floor(Math.min(...numbers) / size) * size;
    if (numbers.every((number) => number > first && number < first + size - 1))
      return `${addressText(first)}/${length}`;
  }
  return "0.0.0.0/0";
}

const inside = ({ first, last }: Interval, address: string): boolean =>
  contains({ first: first + 1, last: last - 1 }, intervalOf(address));

/** Where an endpoint is and listens unless it says so itself. @param index in its tunnel's list */
const usual = (index: number) => ({ address: `10.0.0.${index + 1}`, listenPort: 51821 + index });

/** @returns checked tunnels with every default filled in and host keys read */
export const filledTunnels = (tunnels: readonly TunnelShape[], readFile: ReadFile): TunnelSettings[] =>
  tunnels.map(({ endpoints, network, ...rest }) => {
    const filled = endpoints.map((endpoint, index) => ({
      ...endpoint,
      address: endpoint.address ?? usual(index).address,
      listenPort: endpoint.listenPort ?? usual(index).listenPort,
      host: withHostKey(endpoint.host, readFile),
    }));
    return { ...rest, endpoints: filled, network: network ?? smallestNetwork(filled.map(({ address }) => address)) };
  });

/** An endpoint that is a map, and what of it is well-formed: with its defaults. */
interface Endpoint {
  readonly key: string;
  readonly parts: Parts<EndpointShape> & object;
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly listenPort: number | undefined;
  /** Of a host that is there already, as far as it is well-formed. */
  readonly hostAddress: string | undefined;
  /** By which it is reached through the tunnel, as far as they are known before anything is made. */
  readonly public: readonly string[];
}

function endpointsOf(tunnel: Parts<TunnelShape> & object, key: string): Endpoint[] {
  return elements(tunnel.endpoints).flatMap((parts, index): Endpoint[] => {
    if (parts === malformed) return [];
    const { host, publicAddresses } = parts;
    const hostAddress = typeof host === "object" && host.kind === "existing" ? whole(host.address) : undefined;
    const ofHost = hostAddress !== undefined && isAddress(hostAddress) ? [hostAddress] : [];
    return [
      {
        key: `${key}.endpoints[${index}]`,
        parts,
        name: whole(parts.name),
        address: whole(parts.address ?? usual(index).address),
        listenPort: whole(parts.listenPort ?? usual(index).listenPort),
        hostAddress,
        public: publicAddresses === undefined ? ofHost : sound(publicAddresses).map(({ value }) => value),
      },
    ];
  });
}

const said = (
  endpoints: readonly Endpoint[],
  field: string,
  value: (endpoint: Endpoint) => string | undefined,
): Said[] =>
  endpoints.flatMap((endpoint) => {
    const text = value(endpoint);
    return text === undefined ? [] : [{ key: `${endpoint.key}.${field}`, value: text }];
  });

const saidPublic = (endpoints: readonly Endpoint[]): Said[] =>
  endpoints.flatMap(({ key, public: all }) =>
    [...new Set(all)].map((value) => ({ key: `${key}.publicAddresses`, value })),
  );

function checkEndpoint({ key, parts, hostAddress, listenPort }: Endpoint, readFile: ReadFile, report: Report): void {
  const { host, publicAddresses, snat, services } = parts;
  if (hostAddress !== undefined && publicAddresses === undefined && !isAddress(hostAddress))
    report(
      `${key}.publicAddresses`,
      undefined,
      "IPv4 addresses, where the host's address is a name: ip rules take no names",
      "list the addresses that the name has, or give [] for none",
    );
  if (snat !== malformed && snat !== "none" && typeof publicAddresses === "object" && publicAddresses.length === 0)
    report(
      `${key}.snat`,
      snat,
      "none for an endpoint without public addresses",
      "leave it out, or give publicAddresses the address it shall appear as",
    );
  checkHost(host, readFile, report, `${key}.host`);
  if (host === malformed) return;
  if (host.kind === "existing" && elements(services).length > 0)
    report(
      `${key}.services`,
      `${elements(services).length} services`,
      "services of EC2 hosts, whose security group the program makes",
      "take the setting out; what an existing machine lets in is decided on the machine",
    );
  if (host.kind !== "ec2") return;
  const wireguard: TakenPort[] =
    listenPort === undefined ? [] : [{ protocol: "udp", port: listenPort, by: "WireGuard" }];
  const ssh = host.sshFromAnywhere === false ? [sshPort] : [];
  checkServices(services, `${key}.services`, [...wireguard, ...ssh], report);
}

/**
 * Checks the tunnels against each other and against the gateway's machines.
 * @param gateways where those stand that are there already
 */
export function checkTunnels(
  tunnels: Parts<readonly TunnelShape[]>,
  gateways: readonly Said[],
  readFile: ReadFile,
  report: Report,
): void {
  const all = elements(tunnels).flatMap((tunnel, index) => {
    const key = `tunnels[${index}]`;
    return tunnel === malformed ? [] : [{ key, tunnel, endpoints: endpointsOf(tunnel, key) }];
  });
  checkUnique(
    all.flatMap(({ key, tunnel }) => {
      const named = pick(tunnel, "name");
      return named ? [{ key: `${key}.name`, value: named.name }] : [];
    }),
    "a name that no other tunnel has",
    "choose another name",
    report,
  );
  checkUnique(
    all.flatMap(({ endpoints }) => said(endpoints, "host.address", ({ hostAddress }) => hostAddress)),
    "a machine that is neither the gateway's nor another endpoint",
    "make it one tunnel with more endpoints, or choose another machine",
    report,
    gateways,
  );
  for (const { key, tunnel, endpoints } of all) {
    const names = said(endpoints, "name", ({ name }) => name);
    checkUnique(names, "a name that no other endpoint of the tunnel has", "choose another name", report);
    checkUnique(
      [...said(endpoints, "address", ({ address }) => address), ...saidPublic(endpoints)],
      "an address that nothing else of the tunnel has",
      "give each endpoint its own",
      report,
    );
    checkNetwork(tunnel, key, endpoints, report);
    for (const endpoint of endpoints) checkEndpoint(endpoint, readFile, report);
  }
}

function checkNetwork(
  tunnel: Parts<TunnelShape> & object,
  key: string,
  endpoints: readonly Endpoint[],
  report: Report,
): void {
  const { network: given, route } = tunnel;
  if (route === malformed) return;
  if (route !== "prefix") {
    if (given !== undefined && given !== malformed)
      report(
        `${key}.network`,
        given,
        "a network only with route: prefix",
        `with route: ${route} each endpoint is reached by itself; take it out`,
      );
    return;
  }
  const addresses = said(endpoints, "address", ({ address }) => address);
  const complete = tunnel.endpoints !== malformed && addresses.length === tunnel.endpoints.length;
  const network = given ?? (complete ? smallestNetwork(addresses.map(({ value }) => value)) : malformed);
  if (network === malformed) return;
  const interval = intervalOf(network);
  if (given !== undefined) {
    for (const { key: where, value } of addresses)
      if (!inside(interval, value))
        report(
          where,
          value,
          `an address of ${network} other than its first and its last`,
          `change it, or ${key}.network`,
        );
  } else if (interval.last - interval.first >= 2 ** 24) {
    report(
      `${key}.network`,
      undefined,
      "a network of /8 or smaller that holds all endpoints; these addresses lie further apart",
      "choose addresses near each other, or route: rule",
    );
    return;
  }
  for (const { key: where, value } of saidPublic(endpoints))
    if (contains(interval, intervalOf(value)))
      report(where, value, `an address outside the tunnel's network ${network}`, `change it, or ${key}.network`);
}
