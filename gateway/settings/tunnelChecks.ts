import { addressNumber, addressText, contains, intervalOf, isAddress, type Interval } from "./address";
import type { Report } from "./fault";
import { checkEc2Host, readExistingHost } from "./hostChecks";
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

function fillIn({ endpoints, network, ...rest }: TunnelShape): TunnelSettings {
  const filled = endpoints.map((endpoint, index) => ({
    ...endpoint,
    address: endpoint.address ?? `10.0.0.${index + 1}`,
    listenPort: endpoint.listenPort ?? 51821 + index,
  }));
  return { ...rest, endpoints: filled, network: network ?? smallestNetwork(filled.map(({ address }) => address)) };
}

/** The addresses by which an endpoint is reached through the tunnel, as far as they are known before anything is made. */
const publicOf = ({ publicAddresses, host }: EndpointSettings): readonly string[] =>
  publicAddresses ?? (host.kind === "existing" && isAddress(host.address) ? [host.address] : []);

function checkEndpoint(endpoint: EndpointSettings, key: string, report: Report): void {
  const { host, publicAddresses, snat, services } = endpoint;
  if (host.kind === "existing" && publicAddresses === undefined && !isAddress(host.address))
    report(
      `${key}.publicAddresses`,
      undefined,
      "IPv4 addresses, where the host's address is a name: ip rules take no names",
      "list the addresses that the name has, or give [] for none",
    );
  if (snat !== "none" && publicAddresses?.length === 0)
    report(
      `${key}.snat`,
      snat,
      "none for an endpoint without public addresses",
      "leave it out, or give publicAddresses the address it shall appear as",
    );
  if (host.kind === "existing" && services.length > 0)
    report(
      `${key}.services`,
      `${services.length} services`,
      "services of EC2 hosts, whose security group the program makes",
      "take the setting out; what an existing machine lets in is decided on the machine",
    );
  const wireguard: TakenPort = { protocol: "udp", port: endpoint.listenPort, by: "WireGuard" };
  if (host.kind === "ec2")
    checkServices(services, `${key}.services`, host.sshFromAnywhere ? [wireguard] : [wireguard, sshPort], report);
}

/**
 * Checks the tunnels against each other and against the gateway's machines.
 * @param gateways where those stand that are there already
 * @returns the tunnels with defaults filled in and host keys read
 */
export function checkTunnels(
  tunnels: readonly TunnelShape[],
  gateways: readonly Said[],
  readFile: (path: string) => string | undefined,
  report: Report,
): TunnelSettings[] {
  const all = tunnels.map(fillIn);
  const said = (value: (tunnel: TunnelSettings, key: string) => readonly Said[]): Said[] =>
    all.flatMap((tunnel, index) => value(tunnel, `tunnels[${index}]`));
  const ofEndpoints = (key: string, { endpoints }: TunnelSettings, value: (endpoint: EndpointSettings) => string[]) =>
    endpoints.flatMap((endpoint, index) =>
      value(endpoint).map((one): Said => ({ key: `${key}.endpoints[${index}]`, value: one })),
    );
  const under = (field: string, one: Said): Said => ({ ...one, key: `${one.key}.${field}` });

  checkUnique(
    said(({ name }, key) => [{ key: `${key}.name`, value: name }]),
    "a name that no other tunnel has",
    "choose another name",
    report,
  );
  checkUnique(
    said((tunnel, key) =>
      ofEndpoints(key, tunnel, (endpoint) => (endpoint.host.kind === "existing" ? [endpoint.host.address] : [])).map(
        (one) => under("host.address", one),
      ),
    ),
    "a machine that is neither the gateway's nor another endpoint",
    "make it one tunnel with more endpoints, or choose another machine",
    report,
    gateways,
  );
  return all.map((tunnel, index) => {
    const key = `tunnels[${index}]`;
    const list = (field: string, value: (endpoint: EndpointSettings) => string[]) =>
      ofEndpoints(key, tunnel, value).map((one) => under(field, one));
    const names = list("name", ({ name }) => [name]);
    checkUnique(names, "a name that no other endpoint of the tunnel has", "choose another name", report);
    const addresses = list("address", ({ address }) => [address]);
    checkUnique(
      [...addresses, ...list("publicAddresses", (endpoint) => [...new Set(publicOf(endpoint))])],
      "an address that nothing else of the tunnel has",
      "give each endpoint its own",
      report,
    );
    checkNetwork(tunnel, key, tunnels[index]?.network !== undefined, addresses, report);
    return {
      ...tunnel,
      endpoints: tunnel.endpoints.map((endpoint, at) => {
        const where = `${key}.endpoints[${at}]`;
        checkEndpoint(endpoint, where, report);
        if (endpoint.host.kind === "existing")
          return { ...endpoint, host: readExistingHost(endpoint.host, readFile, report, `${where}.host`) };
        checkEc2Host(endpoint.host, report, `${where}.host`);
        return endpoint;
      }),
    };
  });
}

function checkNetwork(
  tunnel: TunnelSettings,
  key: string,
  given: boolean,
  addresses: readonly Said[],
  report: Report,
): void {
  const { network, route } = tunnel;
  const interval = intervalOf(network);
  if (route !== "prefix") {
    if (given)
      report(
        `${key}.network`,
        network,
        "a network only with route: prefix",
        `with route: ${route} each endpoint is reached by itself; take it out`,
      );
    return;
  }
  if (given) {
    for (const one of addresses)
      if (!inside(interval, one.value))
        report(
          one.key,
          one.value,
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
  for (const one of tunnel.endpoints.flatMap((endpoint, at) =>
    publicOf(endpoint).map((value): Said => ({ key: `${key}.endpoints[${at}].publicAddresses`, value })),
  ))
    if (contains(interval, intervalOf(one.value)))
      report(one.key, one.value, `an address outside the tunnel's network ${network}`, `change it, or ${key}.network`);
}
