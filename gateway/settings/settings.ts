import { distance } from "fastest-levenshtein";
import {
  checkClientAddresses,
  checkClients,
  checkCredentials,
  checkExits,
  checkLocalNetworks,
  checkRuleExits,
  checkRuleSources,
  checkSubnet,
  defaultRules,
} from "./between";
import { checkRecordNames, checkUpstreams } from "./dnsChecks";
import { PROJECT, SettingsError, type Fault, type Report, unknown } from "./fault";
import { checkGatewayHost, withHostKey } from "./hostChecks";
import { hostText } from "./hostSchema";
import { checkMetrics } from "./metricsChecks";
import { malformed, namesOf, type Parts, pick, together, whole } from "./parts";
import { parseProfile } from "./profile";
import { kindOf } from "./profileForeign";
import { checkPrivateUpstreams, checkTunnelAddresses, checkUnusedCredentials } from "./providerChecks";
import { checkPublished } from "./publishedChecks";
import { addressesOf, checkReplicas, gatewayMachines } from "./replicaChecks";
import { checkConditions, checkGroups, checkReach } from "./ruleChecks";
import { type Credentials, type ExitSettings, schema, type Settings, type Shape } from "./schema";
import { parseShape } from "./shape";
import { checkTunnels, filledTunnels, type TunnelSettings } from "./tunnelChecks";
import { parseWireGuardProfile } from "./wireguardProfile";

export type { Credentials };

/** What settings refer to and the pure part cannot fetch by itself. */
export interface Sources {
  /** @returns the text of a file, by its path from the project's folder, or undefined when it cannot be read */
  readonly readFile: (path: string) => string | undefined;
  /** The stack's secret `credentials`: exit -> {username, password}; unchecked. */
  readonly credentials: unknown;
  /** The stack's keys of other namespaces, such as aws:region. Default none. */
  readonly otherKeys?: readonly string[];
  /** When the certificates of provider profiles must be valid. */
  readonly now: Date;
}

/** What a stack's configuration comes to. */
export interface ParsedStack {
  /** Undefined for a stack of tunnels alone. */
  readonly gateway: Settings | undefined;
  readonly tunnels: readonly TunnelSettings[];
  readonly credentials: ReadonlyMap<string, Credentials>;
  /** What is taken, and had better be mended. */
  readonly warnings: readonly Fault[];
}

const names = { openvpn: "an OpenVPN profile", wireguard: "a WireGuard configuration" };

/** Reads an exit's profile. */
function readExit(
  exit: Parts<Shape["exits"][number]>,
  key: string,
  { readFile, now }: Sources,
  report: Report,
  warn: Report,
): Parts<ExitSettings> {
  if (exit === malformed) return malformed;
  const { profile: path, kind } = exit;
  if (path === malformed) return { ...exit, provider: malformed };
  const text = readFile(path);
  if (text === undefined)
    report(key, path, "the path of a file that can be read", "put the provider's file there, or mend the path");
  if (text === undefined || kind === malformed) return { ...exit, provider: malformed };
  const actual = kindOf(text) ?? kind;
  if (actual !== kind) {
    const mend =
      actual === "openvpn"
        ? "take `kind: wireguard` out of the exit"
        : "write `kind: wireguard` beside the exit's `profile`";
    report(key.replace(/profile$/, "kind"), kind, `"${actual}", for ${path} is ${names[actual]}`, mend);
    return { ...exit, provider: malformed };
  }
  const openvpn = kind === "openvpn";
  const { profile, findings, warnings } = openvpn ? parseProfile(text, now) : parseWireGuardProfile(text);
  const allowed = openvpn ? "a client profile that OpenVPN 2.6 takes" : "a configuration as for wg-quick";
  const where = (line: number | undefined) => (line === undefined ? path : `${path}:${line}`);
  for (const { line, problem, mend } of findings) report(key, where(line), `${allowed}; here ${problem}`, mend);
  for (const { line, problem, mend } of warnings)
    warn(key, where(line), `${allowed}, as this is; but ${problem}`, mend);
  return { ...exit, provider: profile };
}

/** Settings under a mistyped namespace would be left out without a word. */
function checkNamespaces(keys: readonly string[], report: Report): void {
  for (const key of keys) {
    const [namespace = "", name = ""] = key.split(":");
    if (distance(namespace, PROJECT) <= 2)
      report(key, unknown, `keys of the namespace ${PROJECT}`, `did you mean ${PROJECT}:${name}?`);
  }
}

const noHost: Fault = {
  key: "host",
  value: undefined,
  allowed: hostText,
  mend: "write it as Pulumi.yaml describes it",
};

/** Every other setting asks for a gateway, and so for its machine. The CLI gives the defaults of Pulumi.yaml, which are empty. */
function isOfTunnelsAlone(raw: object): boolean {
  const isEmpty = (value: unknown) =>
    value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  const given = Object.entries(raw).filter(([key, value]) => Object.hasOwn(schema.shape, key) && !isEmpty(value));
  return given.map(([key]) => key).join() === "tunnels";
}

/** Every section is malformed where the whole is no map. */
const sectionsOf = (parts: Parts<Shape>): { readonly [K in keyof Shape]-?: Parts<Shape[K]> } =>
  (parts === malformed ? Object.fromEntries(Object.keys(schema.shape).map((key) => [key, malformed])) : parts) as {
    readonly [K in keyof Shape]-?: Parts<Shape[K]>;
  };

/** Checks a gateway's settings against each other: each as soon as what it compares is well-formed. */
function checkGateway(
  raw: Readonly<Record<string, unknown>>,
  parts: ReturnType<typeof sectionsOf>,
  exits: Parts<readonly ExitSettings[]>,
  report: Report,
  warn: Report,
): void {
  const { wireguard, clients, rules, groups, localNetworks, dns, metrics, credentials } = parts;
  const { subnet } = pick(wireguard, "subnet") ?? {};
  const exitNames = namesOf(raw["exits"], exits);
  const groupNames = namesOf(raw["groups"], groups);
  checkExits(exits, report);
  checkCredentials(exits, exitNames, credentials, report);
  checkUnusedCredentials(exits, credentials, warn);
  checkGroups(groups, exitNames, groupNames, report);
  checkRuleExits(rules, together(exitNames, groupNames), report);
  checkConditions(rules, report);
  checkClients(clients, report);
  if (subnet !== undefined) {
    checkReach(rules, subnet, report);
    checkSubnet(subnet, exits, report);
    checkTunnelAddresses(exits, subnet, report);
    checkRuleSources(rules, subnet, report);
    checkClientAddresses(clients, subnet, report);
  }
  if (typeof metrics === "object") checkMetrics(metrics.from, namesOf(raw["clients"], clients), report);
  if (typeof dns === "object") {
    checkRecordNames(dns.records, report);
    checkUpstreams(dns.upstreams, localNetworks, exits, report);
    checkPrivateUpstreams(dns.upstreams, localNetworks, warn);
  }
  checkLocalNetworks(localNetworks, subnet, exits, report);
}

/** Reads a file once: what was checked is what is used. */
function once(readFile: Sources["readFile"]): Sources["readFile"] {
  const read = new Map<string, string | undefined>();
  return (path) => {
    if (!read.has(path)) read.set(path, readFile(path));
    return read.get(path);
  };
}

/**
 * Turns a stack's raw configuration into settings, or says everything that is wrong with it.
 * Pure but for `sources.readFile`; nothing is made before it has returned.
 * @param raw the stack's keys without the project's prefix, as plain values
 * @returns settings with every default filled in and every provider profile read, the credentials by exit, and warnings
 * @throws SettingsError with all faults: those of single values, and those between the values that are well-formed
 */
export function parseStack(raw: unknown, sources: Sources): ParsedStack {
  const isMap = typeof raw === "object" && raw !== null && !Array.isArray(raw);
  const given = isMap ? { ...raw, credentials: sources.credentials } : raw;
  const { parts, faults } = parseShape(given);
  const report: Report = (key, value, allowed, mend) => void faults.push({ key, value, allowed, mend });
  const warnings: Fault[] = [];
  const warn: Report = (key, value, allowed, mend) => void warnings.push({ key, value, allowed, mend });
  const readFile = once(sources.readFile);

  if (isMap && !("host" in raw) && !isOfTunnelsAlone({ ...given })) faults.unshift(noHost);
  checkNamespaces(sources.otherKeys ?? [], report);
  const sections = sectionsOf(parts);
  const exits =
    sections.exits === malformed
      ? malformed
      : sections.exits.map((exit, index) =>
          readExit(exit, `exits[${index}].profile`, { ...sources, readFile }, report, warn),
        );
  checkGateway({ ...(given as object) }, sections, exits, report, warn);

  const { replicas, clients, published, tunnels } = sections;
  const machines = gatewayMachines(sections.host, replicas);
  for (const machine of machines)
    checkGatewayHost(machine, pick(sections.wireguard, "subnet")?.subnet, readFile, report);
  checkReplicas(machines, replicas, clients, published, report);
  checkPublished(published, sections, machines, report);
  checkTunnels(tunnels, addressesOf(machines), readFile, report);

  if (faults.length > 0) throw new SettingsError(faults);
  const shape = whole(parts) as Shape;
  const checkedExits = whole(exits) as ExitSettings[];
  return {
    gateway: shape.host && {
      host: withHostKey(shape.host, readFile),
      replicas: shape.replicas.map((replica) => ({ ...replica, host: withHostKey(replica.host, readFile) })),
      wireguard: shape.wireguard,
      exits: checkedExits,
      groups: shape.groups,
      rules: shape.rules ?? defaultRules(shape.wireguard, checkedExits),
      clients: shape.clients,
      dns: shape.dns,
      localNetworks: shape.localNetworks,
      published: shape.published,
      metrics: shape.metrics,
    },
    tunnels: filledTunnels(shape.tunnels, readFile),
    credentials: new Map(Object.entries(shape.credentials)),
    warnings,
  };
}

/**
 * As {@link parseStack}, for a stack that must have a gateway.
 * @throws SettingsError also when it has none
 */
export function parseSettings(
  raw: unknown,
  sources: Sources,
): Pick<ParsedStack, "credentials" | "warnings"> & { settings: Settings } {
  const { gateway, credentials, warnings } = parseStack(raw, sources);
  if (gateway === undefined) throw new SettingsError([noHost]);
  return { settings: gateway, credentials, warnings };
}
