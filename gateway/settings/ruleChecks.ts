import { intervalOf, type Interval } from "./address";
import type { Report } from "./fault";
import type { RuleSettings, Shape } from "./schema";
import { meant } from "./shape";

export function checkGroups(groups: Shape["groups"], exits: Shape["exits"], report: Report): void {
  const known = exits.map((exit) => exit.name);
  groups.forEach((group, index) => {
    const earlier = [...known, ...groups.slice(0, index).map(({ name }) => name)];
    if (earlier.includes(group.name))
      report(`groups[${index}].name`, group.name, "a name no exit and no other group has", "choose another name");
    group.members.forEach((member, at) => {
      const key = `groups[${index}].members[${at}]`;
      const near = meant(member, known);
      if (groups.some(({ name }) => name === member))
        report(
          key,
          member,
          "the name of an exit: a group in a group could go in a circle",
          "name that group's members themselves",
        );
      else if (!known.includes(member))
        report(
          key,
          member,
          `the name of an exit: ${known.join(", ") || "none is configured"}`,
          near === undefined ? "add the exit, or name another" : `did you mean "${near}"?`,
        );
      else if (group.members.indexOf(member) !== at) report(key, member, "each exit once", "take one of the two out");
    });
  });
}

const PROTOCOLS = ["tcp", "udp", "icmp", "another"] as const;
const ALL_PORTS: Interval = { first: 0, last: 65535 };

const portsOf = (rule: RuleSettings): Interval[] =>
  rule.ports?.map((port) => {
    const [first, last = first] = String(port).split("-").map(Number);
    return { first: first ?? 0, last: last ?? 0 };
  }) ?? [ALL_PORTS];

/** What is left of intervals when one is taken out. */
const without = (pieces: readonly Interval[], taken: Interval): Interval[] =>
  pieces.flatMap((piece) =>
    [
      { first: piece.first, last: Math.min(piece.last, taken.first - 1) },
      { first: Math.max(piece.first, taken.last + 1), last: piece.last },
    ].filter(({ first, last }) => first <= last),
  );

const meet = (a: Interval, b: Interval): boolean => a.first <= b.last && b.first <= a.last;

/**
 * Whether packets of `rule` are left after the earlier rules. A rule with hours counts as earlier only for one with the same hours.
 * Looks at one address of each piece that the rules' borders cut the clients' network into: within a piece all are alike.
 */
function reachable(rule: RuleSettings, earlier: readonly RuleSettings[], subnet: Interval): boolean {
  const hours = JSON.stringify(rule.during);
  const rivals = earlier
    .filter(({ during }) => during === undefined || JSON.stringify(during) === hours)
    .map((rival) => ({ ...rival, source: rival.from === undefined ? subnet : intervalOf(rival.from) }));
  const own = rule.from === undefined ? subnet : intervalOf(rule.from);
  const borders = [own.first, ...rivals.flatMap(({ source }) => [source.first, source.last + 1])];
  const addresses = [...new Set(borders.filter((at) => own.first <= at && at <= own.last))];
  return addresses.some((at) => {
    const here = rivals.filter(({ source }) => meet(source, { first: at, last: at }));
    return PROTOCOLS.some((protocol) => {
      if (rule.protocol !== undefined && rule.protocol !== protocol) return false;
      const fitting = here.filter((rival) => rival.protocol === undefined || rival.protocol === protocol);
      return fitting.flatMap(portsOf).reduce(without, portsOf(rule)).length > 0;
    });
  });
}

/** Conditions that cannot be, and rules that can never match because earlier ones take everything. */
export function checkRules(rules: readonly RuleSettings[], { subnet }: Shape["wireguard"], report: Report): void {
  const whole = intervalOf(subnet);
  rules.forEach((rule, index) => {
    if (rule.ports !== undefined && rule.protocol !== "tcp" && rule.protocol !== "udp")
      report(
        `rules[${index}].ports`,
        rule.ports,
        "ports only together with protocol tcp or udp",
        "add the protocol; for both write two rules",
      );
    if (rule.during !== undefined && rule.during.from === rule.during.to)
      report(
        `rules[${index}].during`,
        rule.during,
        "hours that are not empty",
        "for the whole day write from 00:00 to 24:00",
      );
    if (!reachable(rule, rules.slice(0, index), whole))
      report(
        `rules[${index}]`,
        rule,
        "a rule that can match: the first match wins, and the rules before it take all of its traffic",
        "move it up, or take it out",
      );
  });
}
