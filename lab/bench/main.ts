import { Command } from "commander";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";

import { Deployment, PulumiDeployment } from "../deployment";
import type { Scenario } from "../flows";
import { Lab } from "../lab";
import { clearWhenEnded } from "../process";
import { deployInto, openLab } from "../scenario";
import { benchmarks } from ".";
import type { Bench, Benchmark } from "./benchmark";
import { capacity } from "./capacity";
import { type Figure, type Outcome, verdict } from "./figure";
import { machineText } from "./machine";
import { linePlot, ratioPlot } from "./plot";
import { markdown, terminalTable, withFigures } from "./report";

interface Options {
  readonly rounds: string;
  readonly seconds: string;
  readonly write: boolean;
}

const docs = join(__dirname, "..", "..", "docs");
const folder = join(docs, "benchmarks");

const say = (what: string): void => console.error(`    ${what}`);

/** What the benchmarks share: one lab, and one deployment in it, made when the first of them needs it. */
class World {
  private open: Lab | undefined;
  private deployed: Scenario | undefined;

  private async lab(): Promise<Lab> {
    return (this.open ??= await openLab(say));
  }

  async scenario(): Promise<Scenario> {
    return (this.deployed ??= await deployInto(await this.lab(), () => undefined));
  }

  /** The lab without a deployment. */
  async bareLab(): Promise<Lab> {
    const lab = await this.lab();
    await this.deployed?.deployment.destroy();
    this.deployed = undefined;
    for (const client of Object.values(lab.clients)) await client.down();
    return lab;
  }

  async close(): Promise<void> {
    if (this.open) await this.open.close();
  }
}

async function figuresOf(benchmark: Benchmark, bench: Bench, world: World): Promise<Figure[]> {
  switch (benchmark.lab) {
    case "none":
      return benchmark.run(bench);
    case "deployed":
      return benchmark.run({ ...bench, ...(await world.scenario()) });
    case "open":
      return benchmark.run({ ...bench, lab: await world.bareLab() });
  }
}

/** What deploys by itself is measured apart with each engine. */
function named(benchmark: Benchmark): Pick<Outcome, "name" | "title" | "against"> {
  const { name, title, against } = benchmark;
  const byPulumi = benchmark.lab === "open" && Deployment.choose() instanceof PulumiDeployment;
  return byPulumi
    ? { name: pulumiName(name), title: `${title}, by the Pulumi CLI`, against }
    : { name, title, against };
}
const pulumiName = (name: string): string => `${name}-pulumi`;

/** All that was ever measured, in the benchmarks' order. */
function recorded(): Outcome[] {
  const files = readdirSync(folder);
  return benchmarks
    .flatMap(({ name }) => [name, pulumiName(name)])
    .map((name) => `${name}.json`)
    .filter((file) => files.includes(file))
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Outcome);
}

function fill(document: string, figures: string): void {
  const path = join(docs, document);
  writeFileSync(path, withFigures(readFileSync(path, "utf8"), figures));
}

/** Writes an outcome, the plots, and the figures of the documents. */
function write(outcome: Outcome): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${outcome.name}.json`), `${JSON.stringify(outcome, null, 2)}\n`);
  const all = recorded();
  for (const one of all) {
    const lines = linePlot(one);
    if (lines !== undefined) writeFileSync(join(folder, `${one.name}.svg`), lines);
  }
  writeFileSync(join(folder, "ratios.svg"), ratioPlot(all));
  const plots = readdirSync(folder);
  fill("benchmarks.md", all.map((one) => markdown(one, plots)).join("\n"));
  const reckoned = capacity(all);
  if (reckoned !== undefined) fill("capacity.md", reckoned);
}

/** @returns the exit code: 0 when everything was measured, whether or not a goal was met: that is for people to judge */
async function run(names: readonly string[], options: Options): Promise<number> {
  const unknown = names.filter((name) => !benchmarks.some((one) => one.name === name));
  const known = benchmarks.map(({ name }) => name).join(", ");
  if (unknown.length > 0) throw new Error(`no benchmark ${unknown.join(", ")}; there are: ${known}`);
  const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)];
  if (!(Number.isInteger(rounds) && rounds >= 1))
    throw new Error(`--rounds is ${options.rounds}; a whole number from 1`);
  if (!(seconds >= 1)) throw new Error(`--seconds is ${options.seconds}; a number from 1`);
  const world = new World();
  clearWhenEnded(() => Lab.clear());
  let missed = 0;
  try {
    for (const benchmark of benchmarks.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const what = named(benchmark);
      console.error(`${what.name}: ${what.title}`);
      const [measured, load] = [new Date().toISOString(), loadavg()[0]!];
      const figures = await figuresOf(benchmark, { rounds, seconds, say }, world);
      const outcome = { ...what, measured, machine: machineText(), load, figures };
      console.log(`${terminalTable(outcome)}\n`);
      missed += figures.map(verdict).filter((one) => one === "NO" || one === "unlikely").length;
      if (options.write) write(outcome);
    }
  } finally {
    await world.close();
  }
  if (missed > 0) console.log(`${missed} goals not met`);
  return 0;
}

const program = new Command("bench")
  .description("what the gateway costs, measured side by side with the bare tools in the lab")
  .argument("[benchmark...]", `some of ${benchmarks.map(({ name }) => name).join(", ")}; default all`)
  .option("--rounds <number>", "how often each side is measured, in turn", "5")
  .option(
    "--seconds <number>",
    "how long a measurement lasts; a connection that goes on is each side's for twice that, a second at a time",
    "4",
  )
  .option("--no-write", "leave docs/benchmarks.md and docs/benchmarks/ as they are")
  .action(async (names: string[], options: Options) => {
    process.exitCode = await run(names, options);
  });
program.parseAsync().catch((error: unknown) => {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
