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
}

/** @throws RangeError when there is no value */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError("no value has no median");
  return { median: percentile(sorted, 50), least: sorted[0]!, most: sorted.at(-1)! };
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

/** Whether the median is as it shall be; undefined where nothing was asked for. */
export function meets(figure: Figure): boolean | undefined {
  if (figure.limit !== undefined) return spread(figure.ours).median <= figure.limit;
  const found = ratio(figure)?.median;
  if (figure.goal === undefined || found === undefined) return undefined;
  return "atLeast" in figure.goal ? found >= figure.goal.atLeast : found <= figure.goal.atMost;
}

/** Numbers by the name of what they measure. */
export type Sample = Readonly<Record<string, number>>;

/** What to make of a sample's numbers. */
export type Measures = Readonly<Record<string, Omit<Figure, "ours" | "base">>>;

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
