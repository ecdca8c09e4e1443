import { intervalOf, overlap, type Interval } from "./address";
import type { Report } from "./fault";
import { portInterval } from "./fields";
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
      if (!known.includes(member) && groups.some(({ name }) => name === member))
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

/** A rule with what is compared read once: each is held against all before it. */
interface Read {
  readonly rule: RuleSettings;
  readonly key: string;
  readonly protocol: RuleSettings["protocol"];
  readonly source: Interval;
  readonly ports: readonly Interval[];
  /** JSON; undefined for always. */
  readonly hours: string | undefined;
}

const read = (rule: RuleSettings, index: number, subnet: string): Read => ({
  rule,
  key: `rules[${index}]`,
  protocol: rule.protocol,
  source: intervalOf(rule.from ?? subnet),
  ports: rule.ports?.map(portInterval) ?? [ALL_PORTS],
  hours: rule.during && JSON.stringify(rule.during),
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
const inWords = ({ from, protocol, ports, during, exit }: RuleSettings): string =>
  [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(protocol === undefined ? [] : [protocol]),
    ...(ports === undefined ? [] : [ports.join(",")]),
    ...(during === undefined ? [] : [`during ${during.days.join(",")} ${during.from}-${during.to}`]),
    `to ${exit}`,
  ].join(" ");

/** Conditions that cannot be, and rules that can never match because earlier ones take everything. */
export function checkRules(rules: readonly RuleSettings[], { subnet }: Shape["wireguard"], report: Report): void {
  const all = rules.map((rule, index) => read(rule, index, subnet));
  all.forEach((own, index) => {
    const { rule, key } = own;
    if (rule.ports !== undefined && rule.protocol !== "tcp" && rule.protocol !== "udp")
      report(
        `${key}.ports`,
        rule.ports.join(", "),
        "ports only together with protocol tcp or udp",
        "add the protocol; for both write two rules",
      );
    if (rule.during !== undefined && rule.during.from === rule.during.to)
      report(
        `${key}.during`,
        `${rule.during.from}-${rule.during.to}`,
        "hours that are not empty",
        "for the whole day write from 00:00 to 24:00",
      );
    const rivals = all.slice(0, index).filter((earlier) => takesOf(own, earlier));
    if (!reachable(own, rivals))
      report(
        key,
        inWords(rule),
        `a rule that can match: the first match wins, and all of its traffic is taken by ${rivals.map((rival) => rival.key).join(", ")}`,
        "move it up, or take it out",
      );
  });
}
