import Table from "cli-table3";
import { Command, Option } from "commander";
import { Listr, type ListrTask } from "listr2";
import { join } from "node:path";

import { ec2Flows, type Flow, flows, lastEc2Flow, lastFlow, type Row, type Scenario } from "./flows";
import { Lab } from "./lab";
import { ensureImages } from "./images";
import { clearWhenEnded } from "./process";
import { type Suite, suites } from "./recipes";
import { deployInto, openLab } from "./scenario";
import { furnish, settingsFile, standing as standingLab } from "./standing";
import { stateDir } from "./state";

interface StartOptions {
  readonly keep: boolean;
  readonly suite: Suite;
  readonly host: "existing" | "ec2";
}

interface Context {
  lab: Lab;
  scenario: Scenario;
  rows: { flow: string; row: Row }[];
}

/** Takes lines of progress to where the terminal shows what a task is at. */
const saying = (task: { output: string }) => (line: string) => void (task.output = short(line, 150));

const text = (error: unknown): string => (error instanceof Error ? error.message : JSON.stringify(error));

const short = (text: string, longest = 58): string =>
  text.length > longest ? `${text.slice(0, longest - 3)}...` : text;

function table(rows: Context["rows"]): string {
  const shown = new Table({
    head: ["flow", "what", "expected", "seen", "ok"],
    style: { head: [], border: [], compact: true },
  });
  let before = "";
  for (const { flow, row } of rows) {
    const same = row.expected === row.seen;
    shown.push([
      flow === before ? "" : flow,
      short(row.what),
      short(row.expected, 34),
      same ? "the same" : short(row.seen, row.ok ? 34 : 120),
      row.ok ? "ok" : "NO",
    ]);
    before = flow;
  }
  return shown.toString();
}

/** What listr shows of a task that failed; the error itself stands at the end, once. */
const failed = (error: unknown): never => {
  throw new Error("see the error below", { cause: error });
};

/** Opens the lab, deploys, watches every flow, and takes it all away again. The exit code: 0 when every row is right. */
async function start({ keep, suite, host }: StartOptions): Promise<number> {
  if (host === "ec2" && suite !== "trixie")
    throw new Error(`--suite ${suite} is for --host existing: an instance of EC2 is what its image is, Debian 13`);
  const ec2 = host === "ec2";
  const began = Date.now();
  // What an earlier lab left goes first. One that was kept, or is open, stops the start before anything is shown.
  await Lab.clear();
  const context = { rows: [] } as unknown as Context;
  const watch = (flow: Flow): ListrTask<Context> => ({
    title: `flow: ${flow.title}`,
    task: async (_, task) => {
      const rows = await flow.observe(context.scenario);
      context.rows.push(...rows.map((row) => ({ flow: flow.title, row })));
      const bad = rows.filter(({ ok }) => !ok);
      if (bad.length > 0)
        throw new Error(`${flow.title}: ${bad.map(({ what, seen }) => `${what}: ${short(seen)}`).join("; ")}`);
      task.title = `flow: ${flow.title} (${rows.length} as expected)`;
    },
    // The others are worth seeing all the same.
    exitOnError: false,
  });
  const tasks = new Listr<Context>(
    [
      {
        title: "open the lab",
        task: async (_, task) => void (context.lab = await openLab(saying(task), { suite, ec2, keep }).catch(failed)),
      },
      {
        title: `deploy the stack ${ec2 ? "lab-ec2" : "lab"}`,
        task: async (_, task) => {
          // Without a terminal each line would stay, and stand there again in the error.
          const lines = process.stdout.isTTY ? saying(task) : () => undefined;
          context.scenario = await deployInto(context.lab, saying(task), lines).catch(failed);
        },
      },
      ...(ec2 ? ec2Flows : flows).map(watch),
      ...(keep ? [] : [watch(ec2 ? lastEc2Flow : lastFlow)]),
    ],
    {
      ctx: context,
      collectErrors: "minimal",
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: false },
    },
  );

  // Interrupted, the lab goes too; once, whether the signal or the end of the tasks is first.
  let clearing: Promise<void> | undefined;
  const clear = (): Promise<void> => (clearing ??= Lab.clear());
  clearWhenEnded(clear);

  let failure: unknown;
  try {
    await tasks.run();
  } catch (error) {
    failure = error instanceof Error && error.cause !== undefined ? error.cause : error;
  }
  if (context.rows.length > 0) console.log(table(context.rows));
  const wrong = context.rows.filter(({ row }) => !row.ok).length;
  const { scenario } = context;
  if (keep) {
    Lab.keep(scenario ? { engine: scenario.deployment.kind } : {});
    furnish(scenario?.deployed.outputs);
    console.log(scenario ? standing() : left());
  } else await clear();
  const seconds = Math.round((Date.now() - began) / 1000);
  if (failure !== undefined) console.error(`error after ${seconds} s: ${text(failure)}`);
  else console.log(`${context.rows.length - wrong} of ${context.rows.length} as expected, ${seconds} s`);
  if (failure !== undefined && !keep) console.error("npm start -- --keep leaves such a lab standing, with its logs");
  return failure === undefined && wrong === 0 && tasks.errors.length === 0 ? 0 : 1;
}

const standing = (): string => `
The lab stands. To look inside, and to change it:
  npm run lab -- gateway               a shell on the gateway's machine (gatewayctl status, ip rule, nft list ruleset, ...)
  npm run lab -- direct curl 192.0.2.80   a command on the client 10.4.0.50: the address that the web server sees
  npm run lab -- client add tablet     changes its settings, ${settingsFile}
  npm run lab -- up                    deploys them
  npm run lab                          all that it can do
  npm stop                             takes it down`;

const left = (): string => `
The lab stands as far as it came. Its logs:
  ${join(stateDir, "log")}
  npm run lab -- gateway journalctl    of the gateway's machine, if it came up
  npm stop                             takes it down`;

const program = new Command("lab")
  .description("the gateway's lab: a simulated internet, a provider, clients, and a machine to deploy to")
  .enablePositionalOptions();
program
  .command("start")
  .description("open the lab, deploy the gateway, watch every flow, and take it all away again")
  .option("--keep", "leave it standing at the end", false)
  .addOption(
    new Option(
      "--host <kind>",
      "what the gateway is deployed to: a machine that is there, or an instance of the lab's EC2",
    )
      .choices(["existing", "ec2"])
      .default("existing"),
  )
  .option("--suite <name>", "Debian release of the gateway's machine: trixie (13) or bookworm (12)", "trixie")
  .action(async (options: StartOptions) => {
    process.exitCode = await start(options);
  });
program
  .command("stop")
  .description("take a standing lab down, or what an interrupted one left")
  .action(async () => {
    await Lab.clear({ kept: true });
    console.log("no lab stands");
  });
program
  .command("images")
  .description("build the images that are not there yet, for labs in boxes (lab/box.sh), which reach no mirror")
  .action(async () => {
    for (const suite of suites) await ensureImages(suite, console.log);
  });
program
  .command("standing [word] [words...]")
  .description("look into the lab that stands, and change it: npm run lab")
  .helpOption(false)
  .passThroughOptions()
  .allowUnknownOption()
  .action(async (word: string | undefined, words: string[]) => {
    process.exitCode = await standingLab(word, words);
  });
program.parseAsync().catch((error: unknown) => {
  console.error(`error: ${text(error)}`);
  process.exitCode = 1;
});
