import fc from "fast-check";
import { renderSelectors, selectorFiles } from "../../gateway/render/nftChoices";
import { renderHostRules } from "../../gateway/render/nftables";
import type { Plan } from "../../gateway/plan/plan";
import { contains, intervalOf } from "../../gateway/settings/address";
import type { RuleSettings, Settings, WindowSettings } from "../../gateway/settings/schema";
import type { Gateway } from "./gateways";
import { fromClient, load, type Packet, type Ruleset } from "./nftTrace";

/*
 * Which way a packet takes, read off the settings' list of rules alone: what the plan and the rendered rules have to agree with.
 */

/** Traffic as rules speak of it. */
export interface Traffic {
  /** Address as a number. */
  readonly source: number;
  readonly protocol: string;
  readonly port: number | undefined;
}

/** Variant by selector; a selector that is missing was never selected. */
export type Selection = ReadonlyMap<string, string>;

const portsOf = (ports: RuleSettings["ports"]): [number, number][] | undefined =>
  ports?.map((port) => {
    const [first, last] = `${port}-${port}`.split("-").map(Number);
    return [first ?? 0, last ?? 0];
  });

/** Whether a rule is about some traffic, when it counts at all. */
export const isAbout = (rule: RuleSettings, { source, protocol, port = -1 }: Traffic): boolean =>
  (rule.from === undefined || contains(intervalOf(rule.from), { first: source, last: source })) &&
  (rule.protocol === undefined || rule.protocol === protocol) &&
  (portsOf(rule.ports)?.some(([first, last]) => first <= port && port <= last) ?? true);

/** First match wins, nothing matched goes direct. */
export const firstMatch = (
  rules: readonly RuleSettings[],
  traffic: Traffic,
  open: (hours: WindowSettings) => boolean,
): RuleSettings | undefined =>
  rules.find((rule) => isAbout(rule, traffic) && (rule.during === undefined || open(rule.during)));

interface Windows {
  readonly windows: readonly {
    readonly name: string;
    readonly days: readonly number[];
    readonly from: string;
    readonly to: string;
    readonly timeZone: string;
    readonly sources: readonly string[];
  }[];
  readonly groups: readonly { readonly name: string; readonly sources: readonly string[] }[];
}
export const selectorsOf = (plan: Plan): Windows => JSON.parse(renderSelectors(plan)) as Windows;

const week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** The selector of some hours, found by what they are. @throws when there is not exactly one */
export function windowOf(plan: Plan, hours: WindowSettings): string {
  const found = selectorsOf(plan).windows.filter(
    ({ days, from, to, timeZone }) =>
      days.map((day) => week[day - 1]).join() === week.filter((day) => hours.days.includes(day as "mon")).join() &&
      from === hours.from &&
      to === hours.to &&
      timeZone === hours.timeZone,
  );
  if (found.length !== 1) throw new Error(`${found.length} selectors for ${JSON.stringify(hours)}`);
  return found[0]?.name ?? "";
}

/** "direct", "block" or the name of an exit. */
export function wayOf({ settings, plan }: Gateway, selection: Selection, traffic: Traffic): string {
  const open = (hours: WindowSettings) => selection.get(windowOf(plan, hours)) === "open";
  const way = firstMatch(settings.rules, traffic, open)?.exit ?? "direct";
  if (!settings.groups.some(({ name }) => name === way)) return way;
  const member = selection.get(`group-${way}`) ?? "none";
  return member === "none" ? "block" : member;
}

/** Everything that traffic could be led to, whatever is selected. */
export function possibleWays({ rules, groups }: Settings, traffic: Traffic): string[] {
  const about = rules.filter((rule) => isAbout(rule, traffic));
  const always = about.findIndex(({ during }) => during === undefined);
  const ways = (always < 0 ? [...about, { exit: "direct" }] : about.slice(0, always + 1)).map(({ exit }) => exit);
  return ways.flatMap((way) => groups.find(({ name }) => name === way)?.members ?? [way]);
}

/** The host's rules as firewall.sh loads them. */
export function loaded(plan: Plan, selection: Selection, uplink = "eth0"): Ruleset {
  const files = selectorFiles(plan).filter(({ selector, variant }) => selection.get(selector) === variant);
  const uplinks = `add element inet wg_gateway uplinks { "${uplink}" }\nadd rule inet wg_gateway to_uplink oifname "${uplink}" accept\n`;
  return load(renderHostRules(plan), ...files.map(({ content }) => content), uplinks);
}

/** A variant for some of the selectors. */
export function anySelection(plan: Plan): fc.Arbitrary<Selection> {
  const files = selectorFiles(plan);
  const names = [...new Set(files.map(({ selector }) => selector))];
  const each = names.map((name) => {
    const variants = files.filter(({ selector }) => selector === name).map(({ variant }) => variant);
    return fc.option(fc.constantFrom(...variants), { freq: 6 }).map((variant) => [name, variant] as const);
  });
  return fc
    .tuple(...each)
    .map((pairs) => new Map(pairs.flatMap(([name, variant]) => (variant === null ? [] : [[name, variant] as const]))));
}

/** Traffic of a client, mostly near the borders that the rules draw. */
export function anyTraffic({ wireguard, rules }: Settings): fc.Arbitrary<Traffic> {
  const { first, last } = intervalOf(wireguard.subnet);
  const edges = rules.flatMap(({ from }) => (from === undefined ? [] : (Object.values(intervalOf(from)) as number[])));
  const around = edges.flatMap((edge) => [edge - 1, edge, edge + 1]).filter((at) => first <= at && at <= last);
  const ports = rules.flatMap((rule) => portsOf(rule.ports)?.flat() ?? []);
  const near = ports.flatMap((port) => [port - 1, port, port + 1]).filter((port) => port >= 0 && port <= 65535);
  const port = fc.oneof(fc.constantFrom(443, 53, ...near), fc.integer({ min: 0, max: 65535 }));
  return fc
    .record({
      source: fc.oneof(fc.constantFrom(first, last, ...around), fc.integer({ min: first, max: last })),
      protocol: fc.constantFrom("tcp", "udp", "icmp", "gre"),
      port,
    })
    .map((traffic) => (["tcp", "udp"].includes(traffic.protocol) ? traffic : { ...traffic, port: undefined }));
}

export const packetOf = ({ source, protocol, port }: Traffic): Packet => fromClient(source, protocol, port);
