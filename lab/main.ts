import Table from "cli-table3";
import { Command, Option } from "commander";
import { Listr, type ListrTask } from "listr2";
import { spawn } from "node:child_process";
import { once } from "node:events";

import { ec2Flows, type Flow, flows, lastEc2Flow, lastFlow, type Row, type Scenario } from "./flows";
import { Lab } from "./lab";
import { ensureImages } from "./images";
import { clearWhenEnded } from "./process";
import { type Suite, suites } from "./recipes";
import { deployInto, openLab } from "./scenario";
import { hostNames } from "./topology";

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

/** Opens the lab, deploys, watches every flow, and takes it all away again. The exit code: 0 when every row is right. */
async function start({ keep, suite, host }: StartOptions): Promise<number> {
  if (host === "ec2" && suite !== "trixie")
    throw new Error(`--suite ${suite} is for --host existing: an instance of EC2 is what its image is, Debian 13`);
  const ec2 = host === "ec2";
  const began = Date.now();
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
        task: async (_, task) => void (context.lab = await openLab(saying(task), { suite, ec2 })),
      },
      {
        title: `deploy the stack ${ec2 ? "lab-ec2" : "lab"}`,
        task: async (_, task) => void (context.scenario = await deployInto(context.lab, saying(task))),
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
    failure = error;
  }
  if (context.rows.length > 0) console.log(table(context.rows));
  if (failure !== undefined) console.error(`error: ${text(failure)}`);
  const wrong = context.rows.filter(({ row }) => !row.ok).length;
  if (keep && context.scenario) console.log(standing());
  else await clear();
  console.log(
    `${context.rows.length - wrong} of ${context.rows.length} as expected, ${Math.round((Date.now() - began) / 1000)} s`,
  );
  return failure === undefined && wrong === 0 && tasks.errors.length === 0 ? 0 : 1;
}

function standing(): string {
  return `
The lab stands. To look inside:
  npm run lab -- gateway                       a shell on the gateway's machine (gatewayctl status, ip rule, nft list ruleset, ...)
  npm run lab -- direct curl 192.0.2.80        a command on the client 10.4.0.50: the address that the web server sees
  npm run lab -- vpn dig example.com           the same on the client 10.4.0.200
  npm stop                                     take it down`;
}

/** Runs a command in a place of the standing lab, with this terminal. @returns its exit code */
async function enter(place: string, command: readonly string[]): Promise<number> {
  const lab = Lab.attach();
  const shell = command.length > 0 ? command : ["bash"];
  const host =
    place === "direct" || place === "vpn"
      ? lab.clients[place].host
      : hostNames.filter((name) => name === place).map((name) => lab.hosts[name])[0];
  if (place !== "gateway" && !host)
    throw new Error(`no place ${place}; there are: gateway, direct, vpn, ${hostNames.join(", ")}`);
  const [tool = "", ...words] = place === "gateway" || !host ? lab.machine.inside(shell) : host.inside(shell);
  const [code] = (await once(spawn(tool, words, { stdio: "inherit" }), "close")) as [number | null];
  return code ?? 1;
}

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
    await Lab.clear();
    console.log("no lab stands");
  });
program
  .command("images")
  .description("build the images that are not there yet, for labs in boxes (lab/box.sh), which reach no mirror")
  .action(async () => {
    for (const suite of suites) await ensureImages(suite, console.log);
  });
program
  .command("enter <place> [command...]")
  .description(
    "run a command (default: a shell) on the gateway's machine (gateway) or in a place of the lab: direct, vpn, web, provider, operator, ...",
  )
  .passThroughOptions()
  .action(async (place: string, command: string[]) => {
    process.exitCode = await enter(place, command);
  });
program.parseAsync().catch((error: unknown) => {
  console.error(`error: ${text(error)}`);
  process.exitCode = 1;
});
