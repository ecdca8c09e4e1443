import { addressText, contains, intervalOf, type Interval } from "../../gateway/settings/address";

/*
 * What rendered rules do with a packet: an interpreter of as much of `man 8 nft` as they use. It knows nothing of plans and settings,
 * and throws at whatever it does not know, so that no rule is passed over in silence.
 */

/** What the rules of the host look at. */
export interface Packet {
  readonly in: string;
  readonly out: string;
  readonly source: string;
  readonly destination: string;
  readonly family?: "ipv4" | "ipv6";
  readonly protocol: string;
  /** Destination port; undefined where the protocol has none. */
  readonly port?: number | undefined;
  readonly state: "new" | "established" | "related" | "invalid";
  /** Whether both ends of its connection have answered, if it has one. Default false. */
  readonly assured?: boolean;
  readonly mark: number;
  readonly ctMark: number;
  /** Whether the destination is an address of the machine itself. Default false. */
  readonly local?: boolean;
}

/** Where a packet ended: in which chain, how, and what it had become by then. */
export interface Outcome {
  readonly chain: string;
  /** "accept", "drop", "reject with ...", "dnat ip to ...", "redirect", or "policy accept" at the end of a base chain. */
  readonly verdict: string;
  readonly packet: Packet;
  /** How many rules it was held against until then. */
  readonly walked: number;
  /** The chains that it came into, in order. */
  readonly through: readonly string[];
}

export interface Ruleset {
  /** The rules of each chain, in order. */
  readonly chains: Map<string, string[]>;
  /** The elements of each set. */
  readonly elements: Map<string, string[]>;
}

const known = <T>(found: T | undefined, what: string): T => {
  if (found === undefined) throw new Error(`the rules have no ${what}`);
  return found;
};
const list = (text: string): string[] => text.split(",").map((part) => part.trim());

/** @param texts files that are loaded one after another in one transaction, the host's first */
export function load(...texts: readonly string[]): Ruleset {
  const chains = new Map<string, string[]>();
  const elements = new Map<string, string[]>();
  let body: string[] = [];
  for (const line of texts.join("").split("\n")) {
    const text = line.trim();
    const [, kind, name = ""] = /^\t(chain|set) (\S+) \{$/.exec(line) ?? [];
    const [, verb, target = "", rest = ""] =
      /^(flush chain|add rule|add element) inet wg_gateway (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (kind !== undefined) {
      if ((kind === "chain" ? chains : elements).has(name)) throw new Error(`${name} is there twice`);
      body = [];
      (kind === "chain" ? chains : elements).set(name, body);
    } else if (verb === "flush chain") chains.set(known(chains.get(target) && target, target), []);
    else if (verb === "add rule") known(chains.get(target), target).push(rest);
    else if (verb === "add element") known(elements.get(target), target).push(...list(rest.slice(2, -2)));
    else if (/^elements = \{ .* \}$/.test(text)) body.push(...list(text.slice("elements = { ".length, -2)));
    else if (/^\t\t/.test(line) && !/^(#|type |flags |auto-merge$|$)/.test(text)) body.push(text);
    else if (!/^(|\}|#.*|type .*|flags interval|auto-merge|(delete )?table inet wg_gateway( \{)?)$/.test(text))
      throw new Error(`not understood: ${line}`);
  }
  return { chains, elements };
}

const seen = new Map<string, Interval>();
/** `intervalOf`, kept: every packet is held against every element. */
function interval(text: string): Interval {
  const found = seen.get(text) ?? intervalOf(text);
  seen.set(text, found);
  return found;
}

/** Whether a word of a set is what a packet has: a name, a number, or an interval of numbers or of addresses. */
function fits(word: string, has: string | number): boolean {
  if (typeof has === "string" && !/^\d+\.\d+\.\d+\.\d+$/.test(has)) {
    const name = word.replaceAll('"', "");
    return name.endsWith("*") ? has.startsWith(name.slice(0, -1)) : name === has;
  }
  if (typeof has === "string") return contains(interval(word), interval(has));
  const [first = 0, last = first] = word.split("-").map(Number);
  return first <= has && has <= last;
}

/** @param what a word, `{ a, b }`, or `@set` */
const isIn = ({ elements }: Ruleset, what: string, has: string | number): boolean =>
  (what.startsWith("@")
    ? known(elements.get(what.slice(1)), what)
    : what.startsWith("{")
      ? list(what.slice(1, -1))
      : [what]
  ).some((word) => fits(word, has));

/** What a part of a rule says: go on (true), this rule is not for the packet (false), a verdict, or what the packet becomes. */
type Said = boolean | string | Packet;
type Part = readonly [RegExp, (packet: Packet, rules: Ruleset, ...words: string[]) => Said];

const markOf = (packet: Packet, kind: string): number => (kind === "ct" ? packet.ctMark : packet.mark);
const VALUE = String.raw`(\{[^}]*\}|@\w+|"[^"]+"|[\w./-]+)`;

const parts: readonly Part[] = [
  [
    RegExp(`^(iif|oif)name (!= )?${VALUE}`),
    (packet, rules, way, not, value = "") =>
      isIn(rules, value, way === "iif" ? packet.in : packet.out) === (not === undefined),
  ],
  [/^meta nfproto (ipv\d)/, (packet, _, family) => (packet.family ?? "ipv4") === family],
  // What is asked for is what was asked for at first: no packet here has been translated.
  [RegExp(`^ct original ip daddr ${VALUE}`), (packet, rules, value = "") => isIn(rules, value, packet.destination)],
  [/^ct original proto-dst (\d+)/, (packet, _, port) => packet.port === Number(port)],
  [/^ct state (\w+(?:,\w+)*)/, (packet, _, states = "") => list(states).includes(packet.state)],
  [/^ct status assured/, ({ assured = false, state }) => assured && (state === "established" || state === "related")],
  [/^fib daddr type != local/, (packet) => packet.local !== true],
  [
    RegExp(`^(tcp|udp) dport ${VALUE}`),
    (packet, rules, protocol, value = "") =>
      packet.protocol === protocol && isIn(rules, value, known(packet.port, "port to look at")),
  ],
  // Of the two ends' SYNs the first one: the other one belongs to what is established.
  [/^tcp flags & \(syn \| rst\) == syn/, (packet) => packet.protocol === "tcp" && packet.state === "new"],
  [/^tcp option maxseg size set \d+/, () => true],
  [/^icmp type echo-request/, (packet) => packet.protocol === "icmp"],
  [RegExp(`^meta l4proto ${VALUE}`), (packet, rules, value = "") => isIn(rules, value, packet.protocol)],
  [
    RegExp(`^th dport ${VALUE}`),
    (packet, rules, value = "") => isIn(rules, value, known(packet.port, "port to look at")),
  ],
  [
    /^(ct|meta) mark & (0x\w+) (==|!=) (0x\w+)/,
    (packet, _, kind = "", mask, sign, value) =>
      ((markOf(packet, kind) & Number(mask)) === Number(value)) === (sign === "=="),
  ],
  [
    /^(ct|meta) mark & (0x\w+) (0x\w+)-(0x\w+)/,
    (packet, _, kind = "", mask, first, last) => {
      const mark = markOf(packet, kind) & Number(mask);
      return Number(first) <= mark && mark <= Number(last);
    },
  ],
  [
    /^(ct|meta) mark set \1 mark & (0x\w+) \| (0x\w+)/,
    (packet, _, kind = "", mask, value) => {
      const mark = ((markOf(packet, kind) & Number(mask)) | Number(value)) >>> 0;
      return kind === "ct" ? { ...packet, ctMark: mark } : { ...packet, mark };
    },
  ],
  [
    RegExp(`^ip (saddr|daddr) (!= )?${VALUE}`),
    (packet, rules, end, not, value = "") =>
      packet.family !== "ipv6" &&
      isIn(rules, value, end === "saddr" ? packet.source : packet.destination) === (not === undefined),
  ],
  [
    /^(accept|drop|return|(?:goto|jump) \w+|reject.*|dnat ip to \S+|redirect)$/,
    (_packet, _rules, verdict = "") => verdict,
  ],
];

/** What one rule does: the packet after it, and its verdict, if it has one. */
function follow(rules: Ruleset, rule: string, packet: Packet): { packet: Packet; verdict?: string } {
  for (let rest = rule, now = packet; ;) {
    const found = parts.find(([pattern]) => pattern.test(rest));
    if (!found) throw new Error(`not understood: ${rest} (in ${rule})`);
    const [whole, ...words] = found[0].exec(rest) ?? [""];
    const said = found[1](now, rules, ...words);
    if (said === false) return { packet: now };
    if (typeof said === "string") return { packet: now, verdict: said };
    if (typeof said === "object") now = said;
    rest = rest.slice(whole.length).trim();
    if (rest === "") return { packet: now };
  }
}

/** A packet that no rule has decided about, and how many it was held against. */
type Undecided = Pick<Outcome, "packet" | "walked" | "through">;

/** Runs a packet through a chain; the outcome, or the packet when the chain ends without one. */
function walk(rules: Ruleset, chain: string, before: Undecided, depth = 0): Outcome | Undecided {
  let { packet, walked, through }: Undecided = { ...before, through: [...before.through, chain] };
  if (depth > 15) throw new Error(`${chain}: the kernel takes 15 jumps in a row`);
  for (const rule of known(rules.chains.get(chain), `chain ${chain}`)) {
    const done = follow(rules, rule, packet);
    packet = done.packet;
    walked += 1;
    const [verb, target = ""] = done.verdict?.split(" ") ?? [];
    if (done.verdict === undefined) continue;
    if (verb === "return") return { packet, walked, through };
    if (verb !== "goto" && verb !== "jump") return { chain, verdict: done.verdict, packet, walked, through };
    const after = walk(rules, target, { packet, walked, through }, depth + 1);
    // A chain that was gone to ends, without a verdict, where the one that it was gone from would.
    if (verb === "goto" || "verdict" in after) return after;
    ({ packet, walked, through } = after);
  }
  return { packet, walked, through };
}

/** Runs a packet through a base chain, whose policy is to accept. */
export function trace(rules: Ruleset, chain: string, packet: Packet): Outcome {
  return { chain, verdict: "policy accept", ...walk(rules, chain, { packet, walked: 0, through: [] }) };
}

/** A packet of a client to the internet, that begins a connection. */
export const fromClient = (source: number, protocol: string, port?: number): Packet => ({
  in: "wg0",
  out: "",
  source: addressText(source),
  destination: "198.51.100.9",
  protocol,
  port,
  state: "new",
  mark: 0,
  ctMark: 0,
});
