import { MAX_LOCAL_NETWORKS, slotIds } from "../plan/ids";
import { addressText, contains, intervalOf, overlap, type Interval } from "./address";
import { hidden, type Report } from "./fault";
import type { ExitSettings, RuleSettings, Shape } from "./schema";
import { meant } from "./shape";

/*
 * What one setting says of another. Each check takes only what it compares, so that it runs as soon as that much is sound.
 */

/** The upper half of the clients' network goes to the first exit. */
export function defaultRules({ subnet }: Shape["wireguard"], exits: Shape["exits"]): RuleSettings[] {
  const { first, last } = intervalOf(subnet);
  const half = `${addressText((first + last + 1) / 2)}-${addressText(last)}`;
  return exits.slice(0, 1).map((exit) => ({ from: half, exit: exit.name }));
}

export function checkExits(exits: readonly ExitSettings[], report: Report): void {
  exits.forEach((exit, index) => {
    if (exits.findIndex((other) => other.name === exit.name) !== index)
      report(`exits[${index}].name`, exit.name, "a name no other exit has", "choose another name");
    const first = exits.findIndex((other) => other.slot === exit.slot);
    if (first !== index)
      report(
        `exits[${index}].slot`,
        exit.slot,
        `a slot no other exit has; ${exit.slot} is that of "${exits[first]?.name}"`,
        "give each exit a slot of its own, and keep it",
      );
  });
}

export function checkCredentials(
  exits: readonly ExitSettings[],
  credentials: Shape["credentials"],
  report: Report,
): void {
  const known = exits.map((exit) => exit.name);
  for (const { name, provider } of exits)
    if (provider.wantsCredentials && !Object.hasOwn(credentials, name))
      report(
        `credentials.${name}`,
        undefined,
        "username and password, for the profile asks for them (auth-user-pass)",
        `pulumi config set --secret --path 'credentials.${name}.username' NAME, and so the password`,
      );
  for (const name of Object.keys(credentials))
    if (!known.includes(name)) {
      const near = meant(name, known);
      report(
        `credentials.${name}`,
        hidden,
        `the name of an exit: ${known.join(", ") || "none is configured"}`,
        near === undefined ? "take the entry out, or add the exit" : `did you mean credentials.${near}?`,
      );
    }
}

export function checkRuleExits(
  rules: readonly RuleSettings[],
  exits: Shape["exits"],
  groups: Shape["groups"],
  report: Report,
): void {
  const known = ["direct", "block", ...[...exits, ...groups].map(({ name }) => name)];
  rules.forEach((rule, index) => {
    if (known.includes(rule.exit)) return;
    const near = meant(rule.exit, known);
    report(
      `rules[${index}].exit`,
      rule.exit,
      `one of ${known.join(", ")}`,
      near === undefined ? "add the exit, or name another" : `did you mean "${near}"?`,
    );
  });
}

export function checkRuleSources(rules: readonly RuleSettings[], { subnet }: Shape["wireguard"], report: Report): void {
  rules.forEach((rule, index) => {
    if (rule.from !== undefined && !contains(intervalOf(subnet), intervalOf(rule.from)))
      report(
        `rules[${index}].from`,
        rule.from,
        `addresses of ${subnet}`,
        "a rule speaks of clients: name them by their addresses in the clients' network",
      );
  });
}

export function checkClients(clients: Shape["clients"], report: Report): void {
  for (const field of ["name", "address", "publicKey"] as const) {
    const first = new Map<string, number>();
    clients.forEach((client, index) => {
      const own = client[field];
      if (own === undefined) return;
      const other = first.get(own);
      if (other === undefined) first.set(own, index);
      else
        report(
          `clients[${index}].${field}`,
          field === "publicKey" ? hidden : own,
          `one that no other client has; clients[${other}] has it`,
          "give each client its own",
        );
    });
  }
}

export function checkClientAddresses(clients: Shape["clients"], { subnet }: Shape["wireguard"], report: Report): void {
  const { first, last } = intervalOf(subnet);
  const reserved = new Map([
    [first, "the network's own address"],
    [first + 1, "the gateway's"],
    [last, "the broadcast address"],
  ]);
  const free = `an address of ${subnet} other than its first, its last and the gateway's ${addressText(first + 1)}`;
  clients.forEach(({ address }, index) => {
    const interval = intervalOf(address);
    const claimed = reserved.get(interval.first);
    if (!contains({ first, last }, interval))
      report(`clients[${index}].address`, address, free, "choose an address inside the network");
    else if (claimed !== undefined)
      report(`clients[${index}].address`, address, `${free}; this is ${claimed}`, "choose another address");
  });
}

/** Networks that the gateway itself makes: whatever else claims one of their addresses would be unreachable. */
const exitNetworks = (exits: Shape["exits"]): { what: string; interval: Interval }[] =>
  exits.map(({ slot, name }) => {
    const { network } = slotIds(slot, name);
    return { what: `the network ${network} of exit "${name}"`, interval: intervalOf(network) };
  });

export function checkSubnet({ subnet }: Shape["wireguard"], exits: Shape["exits"], report: Report): void {
  for (const { what, interval } of exitNetworks(exits))
    if (overlap(intervalOf(subnet), interval))
      report(
        "wireguard.subnet",
        subnet,
        `a network that does not overlap ${what}`,
        "choose another network for the clients, or another slot",
      );
}

/** An exit's resolver asks through its exit; what is local goes past it, and would find no way back. */
export function checkUpstreams(
  { upstreams }: Shape["dns"],
  networks: Shape["localNetworks"],
  exits: Shape["exits"],
  report: Report,
): void {
  upstreams.forEach((upstream, index) => {
    const network = networks.find((one) => contains(intervalOf(one), intervalOf(upstream)));
    if (network !== undefined && exits.length > 0)
      report(
        `dns.upstreams[${index}]`,
        upstream,
        `resolvers outside of the local networks, for exits ask them through their tunnels; this one is in ${network}`,
        "name public resolvers, or take the network out of localNetworks",
      );
  });
}

export function checkLocalNetworks(
  networks: Shape["localNetworks"],
  { subnet }: Shape["wireguard"],
  exits: Shape["exits"],
  report: Report,
): void {
  const made = [{ what: `the clients' network ${subnet}`, interval: intervalOf(subnet) }, ...exitNetworks(exits)];
  networks.forEach((network, index) => {
    const key = `localNetworks[${index}]`;
    const interval = intervalOf(network);
    for (const other of made)
      if (overlap(interval, other.interval))
        report(
          key,
          network,
          `a network that does not overlap ${other.what}`,
          "name only the networks beside the gateway",
        );
    if (interval.last - interval.first >= 2 ** 24)
      report(
        key,
        network,
        "a network of /8 or smaller",
        "a larger one would take the providers' clients out of the tunnel",
      );
    if (networks.indexOf(network) !== index) report(key, network, "each network once", "take one of the two out");
  });
  if (networks.length > MAX_LOCAL_NETWORKS)
    report(
      "localNetworks",
      `${networks.length} networks`,
      `at most ${MAX_LOCAL_NETWORKS} networks`,
      "join neighbouring networks into larger ones",
    );
}
