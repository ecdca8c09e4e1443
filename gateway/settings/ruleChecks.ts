import { intervalOf, overlap, type Interval } from "./address";
import { meant } from "./advice";
import type { Report } from "./fault";
import { portInterval } from "./fields";
import { elements, having, isUnknown, malformed, type Names, type Parts, sound, type Whole } from "./parts";
import type { RuleSettings, Shape } from "./schema";

/** @param known all names of exits, as they were given @param given the groups as they were given, unchecked */
export function checkGroups(groups: Parts<Shape["groups"]>, known: Names, given: Names, report: Report): void {
  const exits = known.names;
  const named = having(groups, "name");
  named.forEach(({ index, name }, at) => {
    if (exits.includes(name) || named.findIndex((other) => other.name === name) !== at)
      report(`groups[${index}].name`, name, "a name no exit and no other group has", "choose another name");
  });
  elements(groups).forEach((group, index) => {
    const members = typeof group === "object" ? group.members : malformed;
    for (const { index: at, value: member } of sound(members)) {
      const key = `groups[${index}].members[${at}]`;
      const near = meant(member, exits);
      if (!exits.includes(member) && given.names.includes(member))
        report(
          key,
          member,
          "the name of an exit: a group in a group could go in a circle",
          "name that group's members themselves",
        );
      else if (isUnknown(known, member))
        report(
          key,
          member,
          `the name of an exit: ${exits.join(", ") || "none is configured"}`,
          near === undefined ? "add the exit, or name another" : `did you mean "${near}"?`,
        );
      else if (elements(members).indexOf(member) !== at)
        report(key, member, "each exit once", "take one of the two out");
    }
  });
}

const PROTOCOLS = ["tcp", "udp", "icmp", "another"] as const;
const ALL_PORTS: Interval = { first: 0, last: 65535 };

/** What of a rule decides which traffic it takes. */
type Conditions = Whole<Pick<RuleSettings, "from" | "protocol" | "ports" | "during">>;

/** A rule with what is compared read once: each is held against all before it. */
interface Read {
  readonly conditions: Conditions;
  readonly index: number;
  readonly key: string;
  readonly protocol: RuleSettings["protocol"];
  readonly source: Interval;
  readonly ports: readonly Interval[];
  /** JSON; undefined for always. */
  readonly hours: string | undefined;
}

const read = (conditions: Conditions, index: number, subnet: string): Read => ({
  conditions,
  index,
  key: `rules[${index}]`,
  protocol: conditions.protocol,
  source: intervalOf(conditions.from ?? subnet),
  ports: conditions.ports?.map(portInterval) ?? [ALL_PORTS],
  hours: conditions.during && JSON.stringify(conditions.during),
});

/** What is left of intervals when one is taken out. */
const without = (pieces: readonly Interval[], taken: Interval): readonly Interval[] =>
  pieces.flatMap((piece) =>
    [
      { first: piece.first, last: Math.min(piece.last, taken.first - 1) },
      { first: Math.max(piece.first, taken.last + 1), last: piece.last },
    ].filter(({ first, last }) => first <= last),
  );

/** Whether an earlier rule takes traffic of `rule` at all times at which that one counts: it has no hours, or the same. */
const takesOf = (rule: Read, earlier: Read): boolean =>
  (earlier.hours === undefined || earlier.hours === rule.hours) &&
  overlap(earlier.source, rule.source) &&
  (earlier.protocol ?? rule.protocol) === (rule.protocol ?? earlier.protocol) &&
  earlier.ports.some((taken) => rule.ports.some((own) => overlap(taken, own)));

/**
 * Whether packets of `rule` are left when its rivals, by {@link takesOf}, have taken theirs.
 * Looks at one address of each piece that the rules' borders cut the clients' network into: within a piece all are alike.
 */
function reachable({ source: own, protocol: ownProtocol, ports }: Read, rivals: readonly Read[]): boolean {
  const borders = [own.first, ...rivals.flatMap(({ source }) => [source.first, source.last + 1])];
  const addresses = [...new Set(borders.filter((at) => own.first <= at && at <= own.last))];
  return addresses.some((at) => {
    const here = rivals.filter(({ source }) => overlap(source, { first: at, last: at }));
    return PROTOCOLS.some((protocol) => {
      if (ownProtocol !== undefined && ownProtocol !== protocol) return false;
      const fitting = here.filter((rival) => rival.protocol === undefined || rival.protocol === protocol);
      return fitting.flatMap((rival) => rival.ports).reduce(without, ports).length > 0;
    });
  });
}

/** A rule as a message shows it. */
const inWords = ({ from, protocol, ports, during }: Conditions, exit: string | undefined): string =>
  [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(protocol === undefined ? [] : [protocol]),
    ...(ports === undefined ? [] : [ports.join(",")]),
    ...(during === undefined ? [] : [`during ${during.days.join(",")} ${during.from}-${during.to}`]),
    ...(exit === undefined ? [] : [`to ${exit}`]),
  ].join(" ");

/** Conditions that cannot be, each within its rule. */
export function checkConditions(rules: Parts<Shape["rules"]>, report: Report): void {
  elements(rules).forEach((rule, index) => {
    if (typeof rule !== "object") return;
    const { protocol, ports, during } = rule;
    if (typeof ports === "object" && (protocol === undefined || protocol === "icmp"))
      report(
        `rules[${index}].ports`,
        sound(ports)
          .map(({ value }) => value)
          .join(", "),
        "ports only together with protocol tcp or udp",
        "add the protocol; for both write two rules",
      );
    if (typeof during === "object" && during.from !== malformed && during.from === during.to)
      report(
        `rules[${index}].during`,
        `${during.from}-${during.to}`,
        "hours that are not empty",
        "for the whole day write from 00:00 to 24:00",
      );
  });
}

/** Rules that can never match because earlier ones take everything. */
export function checkReach(rules: Parts<Shape["rules"]>, subnet: string, report: Report): void {
  const all = having(rules, "from", "protocol", "ports", "during").map(({ index, ...rule }) =>
    read(rule, index, subnet),
  );
  const exits = new Map(having(rules, "exit").map(({ index, exit }) => [index, exit]));
  all.forEach((own, at) => {
    const rivals = all.slice(0, at).filter((earlier) => takesOf(own, earlier));
    if (!reachable(own, rivals))
      report(
        own.key,
        inWords(own.conditions, exits.get(own.index)),
        `a rule that can match: the first match wins, and all of its traffic is taken by ${rivals.map(({ key }) => key).join(", ")}`,
        "move it up, or take it out",
      );
  });
}
