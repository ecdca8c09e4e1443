import { type Outcome, spread } from "./figure";
import { markdownRow, shown } from "./report";

/** An EC2 instance type, by AWS's pages that docs/capacity.md names. */
interface Instance {
  readonly name: string;
  readonly vcpus: number;
  readonly gib: number;
  /** Gbit/s. */
  readonly baseline: number;
  readonly burst: number;
  /** Per cent of each vCPU that CPU credits pay for without end; undefined for all of it. */
  readonly credits?: number;
}

const instance = (name: string, vcpus: number, gib: number, baseline: number, burst: number, credits?: number) =>
  ({ name, vcpus, gib, baseline, burst, ...(credits !== undefined && { credits }) }) satisfies Instance;

const instances: readonly Instance[] = [
  instance("t4g.nano", 2, 0.5, 0.032, 5, 5),
  instance("t4g.micro", 2, 1, 0.064, 5, 10),
  instance("t4g.small, the default", 2, 2, 0.128, 5, 20),
  instance("t4g.medium", 2, 4, 0.256, 5, 20),
  instance("t4g.large", 2, 8, 0.512, 5, 30),
  instance("t4g.xlarge", 4, 16, 1.024, 5, 40),
  instance("t4g.2xlarge", 8, 32, 2.048, 5, 40),
  instance("t3.small (x86)", 2, 2, 0.128, 5, 20),
  instance("t3.medium (x86)", 2, 4, 0.256, 5, 20),
  instance("c7g.medium", 1, 2, 0.52, 12.5),
  instance("c7g.large", 2, 4, 0.937, 12.5),
  instance("c7g.xlarge", 4, 8, 1.876, 12.5),
  instance("m7g.medium", 1, 4, 0.52, 12.5),
  instance("m7g.large", 2, 8, 0.937, 12.5),
  instance("c7gn.medium", 1, 2, 3.125, 25),
  instance("c7gn.large", 2, 4, 6.25, 30),
];

/** Mbit/s through an internet gateway, for instances with fewer than 32 vCPUs. */
const INTERNET_GATEWAY = 5000;

/** Mbit/s: at least, by all that the lab did; at most, by the machine's tunnel programs alone. */
type Range = readonly [low: number, high: number];

/** What the page takes from the benchmarks. */
interface Taken {
  /** What one busy processor carries. */
  readonly direct: Range;
  readonly vpn: Range;
  /** What the one core of an OpenVPN exit carries. */
  readonly core: Range;
}

const times = (range: Range, factor: number): Range => [range[0] * factor, range[1] * factor];
const least = (...ranges: readonly Range[]): Range => [
  Math.min(...ranges.map(([low]) => low)),
  Math.min(...ranges.map(([, high]) => high)),
];
const rangeText = ([low, high]: Range): string => {
  const [from, to] = [low, high].map(Math.round);
  return from === to ? `${from}` : `${from}..${to}`;
};

/** Of several bounds, those that are the smallest at one end or the other. */
function boundBy(bounds: Readonly<Record<string, Range>>): string {
  const smallest = least(...Object.values(bounds));
  const names = ([0, 1] as const).map(
    (end) => Object.entries(bounds).find(([, range]) => range[end] === smallest[end])?.[0],
  );
  return [...new Set(names)].join(", or ");
}

function row({ name, vcpus, gib, baseline, burst, credits }: Instance, taken: Taken): string[] {
  const processors = (vcpus * (credits ?? 100)) / 100;
  const network: Range = [baseline * 1000, baseline * 1000];
  const processor = credits === undefined ? "processor" : "credits";
  const direct = {
    network,
    "the 5 Gbit/s": [INTERNET_GATEWAY, INTERNET_GATEWAY] as const,
    [processor]: times(taken.direct, processors),
  };
  const vpn = { network, [processor]: times(taken.vpn, processors), "OpenVPN's core": taken.core };
  return [
    ...[name, `${vcpus}`, `${gib}`, `${baseline} / ${burst}`],
    `${shown(processors)}${credits === undefined ? "" : ` (${credits} %)`}`,
    ...[direct, vpn].map((bounds) => rangeText(least(...Object.values(bounds)))),
    ...[direct, vpn].map(boundBy),
  ];
}

const head = [
  ...["instance", "vCPUs", "GiB", "network, Gbit/s: baseline / burst", "processors"],
  ...["direct, Mbit/s", "one VPN exit, Mbit/s", "direct is bound by", "the exit by"],
];
const table = (rows: readonly (readonly string[])[]): string =>
  [rows[0] ?? [], (rows[0] ?? []).map(() => "---"), ...rows.slice(1)].map(markdownRow).join("");

/**
 * What docs/capacity.md takes from the benchmarks, and what follows for EC2 instances.
 * @returns undefined until the paths and the memory were measured
 */
export function capacity(outcomes: readonly Outcome[]): string | undefined {
  const [direct, vpn, memory] = ["direct", "vpn", "memory"].map((name) => outcomes.find((one) => one.name === name));
  if (!direct || !vpn || !memory) return undefined;
  const median = (outcome: Outcome, what: string): number => {
    const figure = outcome.figures.find((one) => one.what === what);
    if (figure === undefined) throw new Error(`${outcome.name} has no figure ${what}`);
    return spread(figure.ours).median;
  };
  const own = (outcome: Outcome) => median(outcome, "processor time of the machine's tunnel programs");
  const lab = (outcome: Outcome) => median(outcome, "processor time of the whole lab");
  const [down, up] = ["to the client", "from the client"].map((what) => [median(direct, what), median(vpn, what)]);
  // A processor second for so many seconds a gigabyte, in Mbit.
  const carried = (outcome: Outcome): Range => [8000 / lab(outcome), 8000 / own(outcome)];
  const slower = Math.min(down![1]!, up![1]!);
  const taken: Taken = {
    direct: carried(direct),
    vpn: carried(vpn),
    core: [Math.min(slower, 8000 / own(vpn)), 8000 / own(vpn)],
  };
  const forExit = (what: string) => what.startsWith("for each exit");
  const sum = (fits: (what: string) => boolean) =>
    memory.figures.filter(({ what }) => fits(what)).reduce((total, { ours }) => total + spread(ours).median, 0);
  const [base, exit] = [sum((what) => !forExit(what)), sum(forExit)];

  const figures = table([
    ["taken", "value", "from"],
    [
      "processor time, direct path: tunnel programs, whole lab",
      `${shown(own(direct))}, ${shown(lab(direct))} s/GB`,
      "[Direct path](benchmarks.md#direct-path)",
    ],
    [
      "one TCP connection, direct path: to, from the client",
      `${shown(down![0]!)}, ${shown(up![0]!)} Mbit/s`,
      "the same",
    ],
    [
      "processor time, VPN path: tunnel programs, whole lab",
      `${shown(own(vpn))}, ${shown(lab(vpn))} s/GB`,
      "[VPN path](benchmarks.md#vpn-path)",
    ],
    ["one TCP connection, VPN path: to, from the client", `${shown(down![1]!)}, ${shown(up![1]!)} Mbit/s`, "the same"],
    [
      "memory: the gateway's own programs without exits, each exit",
      `${shown(base)}, ${shown(exit)} MB`,
      "[Memory](benchmarks.md#memory-of-the-gateways-own-processes)",
    ],
  ]);
  const follows = table([
    ["what follows", "how", "value"],
    ["**d**: a processor carries, direct path", "8000 / s/GB", `${rangeText(taken.direct)} Mbit/s`],
    ["**v**: a processor carries, VPN path", "8000 / s/GB", `${rangeText(taken.vpn)} Mbit/s`],
    [
      "**c**: one OpenVPN exit carries, with a core of its own",
      "the slower direction of the connection; 8000 / tunnel programs",
      `${rangeText(taken.core)} Mbit/s`,
    ],
    ["memory with one exit, with 50", "sum", `${shown(base + exit)}, ${shown(base + 50 * exit)} MB`],
  ]);
  return `Measured on ${direct.measured.slice(0, 10)}.\n\n${figures}\n${follows}\n${table([head, ...instances.map((one) => row(one, taken))])}`;
}
