import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { MAX_LOCAL_NETWORKS, slotIds } from "../plan/ids";
import { addressText, contains, intervalOf, isAddress, overlap, type Interval } from "./address";
import { hidden, SettingsError, type Fault } from "./fault";
import { parseProfile } from "./profile";
import { schema, type ExitSettings, type RuleSettings, type Settings } from "./schema";

/** User name and password for a provider. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What settings refer to and the pure part cannot fetch by itself. */
export interface Sources {
  /** @returns the text of a file, by its path from the project's folder, or undefined when it cannot be read */
  readonly readFile: (path: string) => string | undefined;
  /** The stack's secret `credentials`: exit -> {username, password}; unchecked. */
  readonly credentials: unknown;
}

type Path = readonly PropertyKey[];

const keyText = (path: Path): string =>
  path.reduce<string>((text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`), "");

const valueAt = (raw: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], raw);

/** @returns the known key nearest to a mistyped one, if it is near enough to be meant */
function meant(key: string, known: readonly string[]): string | undefined {
  const [best] = known.map((candidate) => ({ candidate, far: distance(key.toLowerCase(), candidate.toLowerCase()) })).sort((a, b) => a.far - b.far);
  return best && best.far <= Math.max(2, Math.floor(key.length / 3)) ? best.candidate : undefined;
}

/** The keys that may stand at a path of the schema. */
function knownKeys(raw: unknown, path: Path): string[] {
  let node: unknown = schema;
  for (const part of [...path, undefined]) {
    while (node instanceof z.ZodDefault || node instanceof z.ZodPrefault || node instanceof z.ZodOptional) node = node.unwrap();
    if (node instanceof z.ZodDiscriminatedUnion) {
      const kind = (valueAt(raw, path) as { kind?: unknown } | undefined)?.kind;
      node = node.options.find((option) => ((option as z.ZodObject).shape.kind as z.ZodLiteral).value === kind);
    }
    if (part === undefined) break;
    if (node instanceof z.ZodArray) node = node.element;
    else if (node instanceof z.ZodObject) node = (node.shape as Record<PropertyKey, unknown>)[part];
  }
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

function shapeFaults(raw: unknown, issues: readonly z.core.$ZodIssue[]): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const value = valueAt(raw, issue.path);
    const key = keyText(issue.path);
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((unknown) => {
          const known = knownKeys(raw, issue.path);
          const near = meant(unknown, known);
          return {
            key: keyText([...issue.path, unknown]),
            value: valueAt(raw, [...issue.path, unknown]),
            allowed: `one of the keys ${known.join(", ")}`,
            mend: near === undefined ? "take the key out" : `did you mean ${keyText([...issue.path, near])}?`,
          };
        });
      case "invalid_union":
        return [{ key, value, allowed: '"ec2" (a new EC2 machine) or "existing" (a Linux machine you reach by SSH)', mend: "choose one of the two" }];
      case "invalid_key":
        return shapeFaults(raw, issue.issues.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))).map((fault) => ({ ...fault, value: issue.path.at(-1) }));
      case "custom":
        return [{ key, value, allowed: issue.message, mend: String(issue.params?.mend ?? "") }];
      default:
        return [{ key, value, allowed: issue.message, mend: "see Pulumi.yaml, where each setting is described" }];
    }
  });
}

const credentialsSchema = z.record(z.string(), z.strictObject({ username: z.string().min(1), password: z.string().min(1) }));

/**
 * Turns a stack's raw configuration into settings, or says everything that is wrong with it.
 * Pure but for `sources.readFile`; nothing is made before it has returned.
 * @param raw the stack's keys without the project's prefix, as plain values
 * @returns settings with every default filled in and every provider profile read, and the credentials by exit
 * @throws SettingsError with all faults: first those of single values; those between values only once each value is sound
 */
export function parseSettings(raw: unknown, sources: Sources): { settings: Settings; credentials: ReadonlyMap<string, Credentials> } {
  const shape = schema.safeParse(raw);
  if (!shape.success) throw new SettingsError(shapeFaults(raw, shape.error.issues));
  const faults: Fault[] = [];
  const fault = (key: string, value: unknown, allowed: string, mend: string) => void faults.push({ key, value, allowed, mend });

  const given = shape.data;
  const subnet = intervalOf(given.wireguard.subnet);
  const size = subnet.last - subnet.first + 1;
  const gateway = addressText(subnet.first + 1);
  if (size < 8 || size > 65536)
    fault("wireguard.subnet", given.wireguard.subnet, "a network of /16../29", "give room for the gateway and the clients, and no more than 65,536 addresses");

  const parsedCredentials = credentialsSchema.safeParse(sources.credentials ?? {});
  if (!parsedCredentials.success)
    fault("credentials", hidden, "exit -> {username, password}, both texts", "pulumi config set --secret --path 'credentials.vpn.username' NAME, and so the password");
  const credentials = new Map(Object.entries(parsedCredentials.data ?? {}));

  const exits = given.exits.map((exit, index): ExitSettings => {
    const key = `exits[${index}].profile`;
    const text = sources.readFile(exit.profile);
    if (text === undefined) {
      fault(key, exit.profile, "the path of a file that can be read", "put the provider's .ovpn file there, or mend the path");
      return { ...exit, provider: { remotes: [], wantsCredentials: false, lines: [] } };
    }
    const { profile, findings } = parseProfile(text);
    for (const finding of findings)
      fault(key, finding.line === undefined ? exit.profile : `${exit.profile}:${finding.line}`, `a client profile that OpenVPN 2.6 takes; here ${finding.problem}`, finding.mend);
    if (profile.wantsCredentials && parsedCredentials.success && !credentials.has(exit.name))
      fault(`credentials.${exit.name}`, undefined, "{username, password}, for the profile asks for them (auth-user-pass)", `pulumi config set --secret --path 'credentials.${exit.name}.username' NAME, and so the password`);
    return { ...exit, provider: profile };
  });
  for (const name of credentials.keys())
    if (!exits.some((exit) => exit.name === name))
      fault(`credentials.${name}`, hidden, `the name of an exit: ${exits.map((exit) => exit.name).join(", ") || "none is configured"}`, "take the entry out, or add the exit");

  const exitNames = ["direct", ...exits.map((exit) => exit.name)];
  exits.forEach((exit, index) => {
    if (exitNames.indexOf(exit.name) !== index + 1) fault(`exits[${index}].name`, exit.name, "a name no other exit has, other than direct", "choose another name");
    const first = exits.findIndex((other) => other.slot === exit.slot);
    if (first !== index) fault(`exits[${index}].slot`, exit.slot, `a slot no other exit has; ${exit.slot} is that of "${exits[first]?.name}"`, "give each exit a slot of its own, and keep it");
  });

  const upperHalf = { first: subnet.first + size / 2, last: subnet.last };
  const [firstExit] = exits;
  const defaultRules: RuleSettings[] = firstExit ? [{ from: `${addressText(upperHalf.first)}-${addressText(upperHalf.last)}`, exit: firstExit.name }] : [];
  const rules = given.rules ?? defaultRules;
  rules.forEach((rule, index) => {
    if (!exitNames.includes(rule.exit)) {
      const near = meant(rule.exit, exitNames);
      fault(`rules[${index}].exit`, rule.exit, `one of ${exitNames.join(", ")}`, near === undefined ? "add the exit, or name another" : `did you mean "${near}"?`);
    }
    if (rule.from !== undefined && !contains(subnet, intervalOf(rule.from)))
      fault(`rules[${index}].from`, rule.from, `addresses of ${given.wireguard.subnet}`, "a rule speaks of clients: name them by their addresses in the clients' network");
  });

  const taken = { address: new Map<string, string>(), name: new Map<string, string>(), publicKey: new Map<string, string>() };
  given.clients.forEach((client, index) => {
    const value = intervalOf(client.address).first;
    const reserved = value === subnet.first ? "the network's own address" : value === subnet.last ? "the broadcast address" : value === subnet.first + 1 ? "the gateway's" : undefined;
    const free = `an address of ${given.wireguard.subnet} other than its first, its last and the gateway's ${gateway}`;
    if (value < subnet.first || value > subnet.last) fault(`clients[${index}].address`, client.address, free, "choose an address inside the network");
    else if (reserved) fault(`clients[${index}].address`, client.address, `${free}; this is ${reserved}`, "choose another address");
    for (const field of ["name", "address", "publicKey"] as const) {
      const mine = client[field];
      if (mine === undefined) continue;
      const other = taken[field].get(mine);
      if (other !== undefined) fault(`clients[${index}].${field}`, mine, `one that no other client has; clients[${other}] has it`, "give each client its own");
      else taken[field].set(mine, String(index));
    }
  });

  const inner: { what: string; interval: Interval }[] = [
    { what: `the clients' network ${given.wireguard.subnet}`, interval: subnet },
    ...exits.map((exit) => ({ what: `the network ${slotIds(exit.slot, exit.name).network} of exit "${exit.name}"`, interval: intervalOf(slotIds(exit.slot, exit.name).network) })),
  ];
  inner.slice(1).forEach(({ what, interval }) => {
    if (overlap(subnet, interval)) fault("wireguard.subnet", given.wireguard.subnet, `a network that does not overlap ${what}`, "choose another network for the clients, or another slot");
  });
  if (given.localNetworks.length > MAX_LOCAL_NETWORKS)
    fault("localNetworks", `${given.localNetworks.length} networks`, `at most ${MAX_LOCAL_NETWORKS} networks`, "join neighbouring networks into larger ones");
  given.localNetworks.forEach((network, index) => {
    const interval = intervalOf(network);
    for (const other of inner)
      if (overlap(interval, other.interval)) fault(`localNetworks[${index}]`, network, `a network that does not overlap ${other.what}`, "name only the networks beside the gateway");
    if (interval.last - interval.first >= 2 ** 24) fault(`localNetworks[${index}]`, network, "a network of /8 or smaller", "a larger one would take the providers' clients out of the tunnel");
    if (given.localNetworks.indexOf(network) !== index) fault(`localNetworks[${index}]`, network, "each network once", "take one of the two out");
  });

  if (given.host.kind === "ec2" && given.host.sshFrom.includes("0.0.0.0/0") && !given.host.sshFromAnywhere)
    fault("host.sshFrom", given.host.sshFrom, "networks that may reach SSH; 0.0.0.0/0 only together with sshFromAnywhere: true", "give your own address with /32");
  if (given.host.kind === "existing") {
    const { privateKeyFile, hostKey } = given.host;
    if (privateKeyFile !== undefined && sources.readFile(privateKeyFile) === undefined)
      fault("host.privateKeyFile", privateKeyFile, "the path of a file that can be read", "mend the path, or leave it out to use the SSH agent");
    const publicKey = hostKey.endsWith(".pub") && !hostKey.includes(" ") ? sources.readFile(hostKey)?.trim() : hostKey;
    if (publicKey === undefined || !/^ssh-ed25519 [A-Za-z0-9+/=]{68}( .*)?$/.test(publicKey))
      fault("host.hostKey", hostKey, "a file that holds the machine's `ssh-ed25519 AAAA...` line", "read it on the machine: cat /etc/ssh/ssh_host_ed25519_key.pub");
    else given.host.hostKey = publicKey;
    if (isAddress(given.host.address) && contains(subnet, intervalOf(given.host.address)))
      fault("host.address", given.host.address, `an address outside the clients' network ${given.wireguard.subnet}`, "give the address that reaches the machine from where you deploy");
  }

  if (faults.length > 0) throw new SettingsError(faults);
  return { settings: { ...given, exits, rules }, credentials };
}
