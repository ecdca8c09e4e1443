import {
  checkClientAddresses,
  checkClients,
  checkCredentials,
  checkExits,
  checkLocalNetworks,
  checkRuleExits,
  checkRuleSources,
  checkSubnet,
  checkUpstreams,
  defaultRules,
} from "./between";

import { SettingsError, type Fault, type Report } from "./fault";
import { readGatewayHost } from "./hostChecks";
import { hostText } from "./hostSchema";
import { checkMetrics } from "./metricsChecks";
import { noProfile, parseProfile } from "./profile";
import { kindOf } from "./profileForeign";
import { checkPrivateUpstreams, checkTunnelAddresses, checkUnusedCredentials } from "./providerChecks";
import { checkPublished } from "./publishedChecks";
import { addressesOf, checkReplicas, gatewayMachines } from "./replicaChecks";
import { checkGroups, checkRules } from "./ruleChecks";
import type { Credentials, ExitSettings, Settings, Shape } from "./schema";
import { parseShape } from "./shape";
import { checkTunnels, type TunnelSettings } from "./tunnelChecks";
import { parseWireGuardProfile } from "./wireguardProfile";

export type { Credentials };

/** What settings refer to and the pure part cannot fetch by itself. */
export interface Sources {
  /** @returns the text of a file, by its path from the project's folder, or undefined when it cannot be read */
  readonly readFile: (path: string) => string | undefined;
  /** The stack's secret `credentials`: exit -> {username, password}; unchecked. */
  readonly credentials: unknown;
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

/** Reads an exit's profile. Where it cannot be read there is a fault, and an empty profile so that the rest can be looked at. */
function readExit(
  exit: Shape["exits"][number],
  key: string,
  { readFile, now }: Sources,
  report: Report,
  warn: Report,
): ExitSettings {
  const text = readFile(exit.profile);
  if (text === undefined) {
    report(key, exit.profile, "the path of a file that can be read", "put the provider's file there, or mend the path");
    return { ...exit, provider: noProfile };
  }
  const kind = kindOf(text) ?? exit.kind;
  if (kind !== exit.kind) {
    const mend =
      kind === "openvpn"
        ? "take `kind: wireguard` out of the exit"
        : "write `kind: wireguard` beside the exit's `profile`";
    report(key.replace(/profile$/, "kind"), exit.kind, `"${kind}", for ${exit.profile} is ${names[kind]}`, mend);
    return { ...exit, provider: noProfile };
  }
  const openvpn = kind === "openvpn";
  const { profile, findings, warnings } = openvpn ? parseProfile(text, now) : parseWireGuardProfile(text);
  const allowed = openvpn ? "a client profile that OpenVPN 2.6 takes" : "a configuration as for wg-quick";
  const where = (line: number | undefined) => (line === undefined ? exit.profile : `${exit.profile}:${line}`);
  for (const { line, problem, mend } of findings) report(key, where(line), `${allowed}; here ${problem}`, mend);
  for (const { line, problem, mend } of warnings)
    warn(key, where(line), `${allowed}, as this is; but ${problem}`, mend);
  return { ...exit, provider: profile };
}

const noHost: Fault = {
  key: "host",
  value: undefined,
  allowed: hostText,
  mend: "write it as Pulumi.yaml describes it",
};

/** Whatever else is given asks for a gateway, and so for its machine. The CLI gives the defaults of Pulumi.yaml, which are empty. */
const isOfTunnelsAlone = (raw: object): boolean => {
  const given = Object.entries(raw).filter(
    ([, value]) => typeof value !== "object" || value === null || Object.keys(value as object).length > 0,
  );
  return (
    given
      .filter(([, value]) => value !== undefined)
      .map(([key]) => key)
      .join() === "tunnels"
  );
};

/**
 * Turns a stack's raw configuration into settings, or says everything that is wrong with it.
 * Pure but for `sources.readFile`; nothing is made before it has returned.
 * @param raw the stack's keys without the project's prefix, as plain values
 * @returns settings with every default filled in and every provider profile read, the credentials by exit, and warnings
 * @throws SettingsError with all faults: those of single values, and those between values of sections that are sound
 */
export function parseStack(raw: unknown, sources: Sources): ParsedStack {
  const isMap = typeof raw === "object" && raw !== null && !Array.isArray(raw);
  const { sound, whole, faults } = parseShape(isMap ? { ...raw, credentials: sources.credentials } : raw);
  const report: Report = (key, value, allowed, mend) => void faults.push({ key, value, allowed, mend });
  const warnings: Fault[] = [];
  const warn: Report = (key, value, allowed, mend) => void warnings.push({ key, value, allowed, mend });

  const { wireguard, clients, rules, groups, localNetworks, dns, metrics, credentials } = sound;
  if (isMap && !("host" in raw) && !isOfTunnelsAlone({ ...raw, credentials: sources.credentials }))
    faults.unshift(noHost);

  const exits = sound.exits?.map((exit, index) => readExit(exit, `exits[${index}].profile`, sources, report, warn));
  if (exits) checkExits(exits, report);
  if (exits && credentials) checkCredentials(exits, credentials, report);
  if (exits && credentials) checkUnusedCredentials(exits, credentials, warn);
  if (exits && wireguard) checkTunnelAddresses(exits, wireguard, report);
  if (exits && groups) checkGroups(groups, exits, report);
  if (exits && groups && rules) checkRuleExits(rules, exits, groups, report);
  if (wireguard && rules) checkRules(rules, wireguard, report);
  if (exits && wireguard) checkSubnet(wireguard, exits, report);
  if (wireguard && rules) checkRuleSources(rules, wireguard, report);
  if (clients) checkClients(clients, report);
  if (wireguard && clients) checkClientAddresses(clients, wireguard, report);
  if (clients && metrics) checkMetrics(metrics, clients, report);
  if (exits && dns && localNetworks) checkUpstreams(dns, localNetworks, exits, report);
  if (dns && localNetworks) checkPrivateUpstreams(dns, localNetworks, warn);
  if (exits && wireguard && localNetworks) checkLocalNetworks(localNetworks, wireguard, exits, report);

  const { host: first, published, replicas = [] } = sound;
  const machines = gatewayMachines(first, replicas);
  const [host, ...others] = machines.map((one) => readGatewayHost(one, wireguard, sources.readFile, report));
  checkReplicas({ replicas, host: first }, { clients, published }, report);
  if (published && clients && wireguard) checkPublished(published, { clients, wireguard, metrics }, machines, report);
  const tunnels = checkTunnels(sound.tunnels ?? [], addressesOf(machines), sources.readFile, report);

  if (faults.length > 0 || !whole || !exits) throw new SettingsError(faults);
  return {
    gateway: host && {
      host,
      replicas: replicas.map((replica, index) => ({ ...replica, host: others[index] ?? replica.host })),
      wireguard: whole.wireguard,
      exits,
      groups: whole.groups,
      rules: rules ?? defaultRules(whole.wireguard, exits),
      clients: whole.clients,
      dns: whole.dns,
      localNetworks: whole.localNetworks,
      published: whole.published,
      metrics: whole.metrics,
    },
    tunnels,
    credentials: new Map(Object.entries(whole.credentials)),
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
