import { MAX_LOCAL_NETWORKS, slotIds } from "../plan/ids";
import { addressText, contains, intervalOf, overlap, type Interval } from "./address";
import { meant } from "./advice";
import { hidden, type Report } from "./fault";
import { elements, having, isUnknown, type Names, type Parts, sound } from "./parts";
import type { ExitSettings, RuleSettings, Shape } from "./schema";

/*
 * What one setting says of another. Each check takes only what it compares, so that it runs as soon as that much is well-formed.
 */

type Exits = Parts<readonly ExitSettings[]>;

/** The upper half of the clients' network goes to the first exit. */
export function defaultRules({ subnet }: Shape["wireguard"], exits: Shape["exits"]): RuleSettings[] {
  const { first, last } = intervalOf(subnet);
  const half = `${addressText((first + last + 1) / 2)}-${addressText(last)}`;
  return exits.slice(0, 1).map((exit) => ({ from: half, exit: exit.name }));
}

export function checkExits(exits: Exits, report: Report): void {
  const named = having(exits, "name");
  named.forEach(({ index, name }, at) => {
    if (named.findIndex((other) => other.name === name) !== at)
      report(`exits[${index}].name`, name, "a name no other exit has", "choose another name");
  });
  const slotted = having(exits, "slot");
  slotted.forEach(({ index, slot }, at) => {
    const first = slotted.findIndex((other) => other.slot === slot);
    if (first !== at)
      report(
        `exits[${index}].slot`,
        slot,
        `a slot no other exit has; ${slot} is that of ${exitText(exits, slotted[first]?.index ?? 0)}`,
        "give each exit a slot of its own, and keep it",
      );
  });
}

/** exits[0] by its name, where that is well-formed: "vpn" */
function exitText(exits: Exits, index: number): string {
  const named = having(exits, "name").find((exit) => exit.index === index);
  return named === undefined ? `exits[${index}]` : `"${named.name}"`;
}

/** @param known all names of exits, as they were given */
export function checkCredentials(
  exits: Exits,
  known: Names,
  credentials: Parts<Shape["credentials"]>,
  report: Report,
): void {
  if (typeof credentials !== "object") return;
  for (const { name, provider } of having(exits, "name", "provider"))
    if (provider.wantsCredentials && !Object.hasOwn(credentials, name))
      report(
        `credentials.${name}`,
        undefined,
        "username and password, for the profile asks for them (auth-user-pass)",
        `pulumi config set --secret --path 'credentials.${name}.username' NAME, and so the password`,
      );
  for (const name of Object.keys(credentials))
    if (isUnknown(known, name)) {
      const near = meant(name, known.names);
      report(
        `credentials.${name}`,
        hidden,
        `the name of an exit: ${known.names.join(", ") || "none is configured"}`,
        near === undefined ? "take the entry out, or add the exit" : `did you mean credentials.${near}?`,
      );
    }
}

/** @param ways all names of exits and groups, as they were given */
export function checkRuleExits(rules: Parts<Shape["rules"]>, ways: Names, report: Report): void {
  const known = ["direct", "block", ...ways.names];
  for (const { index, exit } of having(rules, "exit"))
    if (!known.includes(exit) && isUnknown(ways, exit)) {
      const near = meant(exit, known);
      report(
        `rules[${index}].exit`,
        exit,
        `one of ${known.join(", ")}`,
        near === undefined ? "add the exit, or name another" : `did you mean "${near}"?`,
      );
    }
}

export function checkRuleSources(rules: Parts<Shape["rules"]>, subnet: string, report: Report): void {
  for (const { index, from } of having(rules, "from"))
    if (from !== undefined && !contains(intervalOf(subnet), intervalOf(from)))
      report(
        `rules[${index}].from`,
        from,
        `addresses of ${subnet}`,
        "a rule speaks of clients: name them by their addresses in the clients' network",
      );
}

export function checkClients(clients: Parts<Shape["clients"]>, report: Report): void {
  for (const field of ["name", "address", "publicKey"] as const) {
    const first = new Map<string, number>();
    for (const { index, [field]: own } of having(clients, field)) {
      if (own === undefined) continue;
      const other = first.get(own);
      if (other === undefined) first.set(own, index);
      else
        report(
          `clients[${index}].${field}`,
          field === "publicKey" ? hidden : own,
          `one that no other client has; clients[${other}] has it`,
          "give each client its own",
        );
    }
  }
}

export function checkClientAddresses(clients: Parts<Shape["clients"]>, subnet: string, report: Report): void {
  const { first, last } = intervalOf(subnet);
  const reserved = new Map([
    [first, "the network's own address"],
    [first + 1, "the gateway's"],
    [last, "the broadcast address"],
  ]);
  const free = `an address of ${subnet} other than its first, its last and the gateway's ${addressText(first + 1)}`;
  for (const { index, address } of having(clients, "address")) {
    const interval = intervalOf(address);
    const claimed = reserved.get(interval.first);
    if (!contains({ first, last }, interval))
      report(`clients[${index}].address`, address, free, "choose an address inside the network");
    else if (claimed !== undefined)
      report(`clients[${index}].address`, address, `${free}; this is ${claimed}`, "choose another address");
  }
}

/** Networks that the gateway itself makes: whatever else claims one of their addresses would be unreachable. */
const exitNetworks = (exits: Exits): { what: string; interval: Interval }[] =>
  having(exits, "slot").map(({ index, slot }) => {
    const { network } = slotIds(slot, "");
    return { what: `the network ${network} of exit ${exitText(exits, index)}`, interval: intervalOf(network) };
  });

export function checkSubnet(subnet: string, exits: Exits, report: Report): void {
  for (const { what, interval } of exitNetworks(exits))
    if (overlap(intervalOf(subnet), interval))
      report(
        "wireguard.subnet",
        subnet,
        `a network that does not overlap ${what}`,
        "choose another network for the clients, or another slot",
      );
}

/** @param subnet the clients' network, where it is well-formed */
export function checkLocalNetworks(
  networks: Parts<Shape["localNetworks"]>,
  subnet: string | undefined,
  exits: Exits,
  report: Report,
): void {
  const clients =
    subnet === undefined ? [] : [{ what: `the clients' network ${subnet}`, interval: intervalOf(subnet) }];
  const made = [...clients, ...exitNetworks(exits)];
  for (const { index, value: network } of sound(networks)) {
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
    if (elements(networks).indexOf(network) !== index)
      report(key, network, "each network once", "take one of the two out");
  }
  const count = elements(networks).length;
  if (count > MAX_LOCAL_NETWORKS)
    report(
      "localNetworks",
      `${count} networks`,
      `at most ${MAX_LOCAL_NETWORKS} networks`,
      "join neighbouring networks into larger ones",
    );
}
