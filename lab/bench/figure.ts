/** What a ratio of a figure to that beside it shall be. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One number, measured in rounds. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  /** What was varied, as a number of clients; such figures make a line of a plot. */
  readonly at?: number;
  /** One a round. */
  readonly ours: readonly number[];
  /** The same beside it, measured in the same round; the ratio is ours / base. */
  readonly base?: readonly number[];
  readonly goal?: Goal;
  /** For the median itself, where there is nothing to compare with: at most that much of the unit. */
  readonly limit?: number;
}

/** What a benchmark found; a file of docs/benchmarks. */
export interface Outcome {
  readonly name: string;
  readonly title: string;
  /** What `base` is. */
  readonly against?: string;
  /** When, ISO 8601. */
  readonly measured: string;
  readonly machine: string;
  /** Processes ready to run or running when it began, the benchmark's own among them: how busy others kept the machine. */
  readonly load: number;
  readonly figures: readonly Figure[];
}

/** The middle of values and what lies around it. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Where the median of ever more rounds would lie, 19 times of 20; of five values or fewer, the least and the most. */
  readonly within: readonly [from: number, to: number];
}

/** @throws RangeError when there is no value */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError("no value has no median");
  const left = outside(sorted.length);
  const within = [sorted[left]!, sorted.at(-1 - left)!] as const;
  return { median: percentile(sorted, 50), least: sorted[0]!, most: sorted.at(-1)!, within };
}

/**
 * How many of the values at either end lie outside of the median's interval. Each value is as likely below the true median as above it, so
 * that how many are follows the binomial distribution, whatever the values' own is.
 */
function outside(count: number): number {
  let chance = 0.5 ** count; // that none lies below
  for (let below = 0, atMost = chance; ; below++) {
    chance *= (count - below) / (below + 1);
    atMost += chance;
    if (2 * atMost > 0.05) return below;
  }
}

/**
 * Between two values in proportion.
 * @param sorted ascending, at least one @param percent 0..100
 */
export function percentile(sorted: readonly number[], percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

/** The ratios of ours to base, round by round: what made one round slow made both slow. Undefined without a base. */
export function ratio({ ours, base }: Pick<Figure, "ours" | "base">): Spread | undefined {
  if (base === undefined) return undefined;
  if (base.length !== ours.length) throw new RangeError(`${ours.length} values beside ${base.length}`);
  return spread(ours.map((value, round) => value / base[round]!));
}

/** What became of a goal; `likely` and `unlikely` where the median has met it or not, and its interval reaches to the other side. */
export type Verdict = "yes" | "likely" | "unlikely" | "NO";

/** Whether the median is as it shall be; undefined where nothing was asked for. */
export function verdict(figure: Figure): Verdict | undefined {
  const { limit, goal } = figure;
  const found = limit === undefined ? ratio(figure) : spread(figure.ours);
  const wanted = limit === undefined ? goal : { atMost: limit };
  if (found === undefined || wanted === undefined) return undefined;
  const met = (value: number) => ("atLeast" in wanted ? value >= wanted.atLeast : value <= wanted.atMost);
  const sure = found.within.every((end) => met(end) === met(found.median));
  return met(found.median) ? (sure ? "yes" : "likely") : sure ? "NO" : "unlikely";
}

/** Numbers by the name of what they measure. */
export type Sample = Readonly<Record<string, number>>;

/** What to make of a sample's numbers. */
export type Measures = Readonly<Record<string, Omit<Figure, "ours" | "base">>>;

/** The same, of which it is said what they are about. */
export const about = (name: string, measures: Measures): Measures =>
  Object.fromEntries(Object.entries(measures).map(([key, one]) => [key, { ...one, what: `${name}: ${one.what}` }]));

/** Takes the samples of all rounds apart into figures. @throws Error when a round lacks a number */
export function figuresOf(measures: Measures, ours: readonly Sample[], base?: readonly Sample[]): Figure[] {
  const column = (key: string, samples: readonly Sample[]): number[] =>
    samples.map((sample, round) => {
      const value = sample[key];
      if (value === undefined || !Number.isFinite(value)) throw new Error(`round ${round + 1} measured no ${key}`);
      return value;
    });
  return Object.entries(measures).map(([key, measure]) => ({
    ...measure,
    ours: column(key, ours),
    ...(base && { base: column(key, base) }),
  }));
}
