import * as pulumi from "@pulumi/pulumi";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Engine, type Registration, type Summary } from "./engine";
import { watchMonitor } from "./monitor";
import { invokes } from "./resources";
import type { WireProperties } from "./secretValue";
import { State } from "./state";

export interface Deployment {
  readonly command: "up" | "preview" | "destroy";
  readonly project: string;
  readonly stack: string;
  /** Names of resources to replace, whatever their inputs say. Default none. */
  readonly replace?: readonly string[];
  /** Path of the state file. */
  readonly stateFile: string;
  /** The stack's configuration with namespaces, `wg-gateway:host`; structured values as JSON. */
  readonly config: Readonly<Record<string, string>>;
  /** Runs the Pulumi program and hands back its exports. */
  readonly program: () => Promise<Record<string, unknown>>;
  /** Takes each line of progress. */
  readonly log: (line: string) => void;
}

export interface DeployResult {
  readonly summary: Summary;
  /** The stack's outputs, secrets with their signature; empty after `destroy`. */
  readonly outputs: WireProperties;
}

/**
 * Runs a Pulumi program against an engine in this process: what `pulumi up`, `preview` and `destroy` do, for the few types of
 * resource the engine knows, where there is no CLI. One at a time in a process, for the SDK's runtime is global.
 * @throws the first error, of a resource or of the program; what was done before it stands in the state
 */
export async function deploy(deployment: Deployment): Promise<DeployResult> {
  const { command, stateFile, log, replace = [] } = deployment;
  const state = new State(stateFile);
  const engine = new Engine(state, { preview: command === "preview", replace, log });
  // For what is deleted, too: how AWS is reached stands there.
  pulumi.runtime.setAllConfig(deployment.config);
  try {
    await engine.deleteReplaced();
    const outputs = command === "destroy" ? {} : await runProgram(engine, deployment);
    await engine.deleteRest();
    return { summary: engine.summary, outputs };
  } finally {
    state.save();
  }
}

async function runProgram(engine: Engine, deployment: Deployment): Promise<WireProperties> {
  const { command, project, stack, program } = deployment;
  let outputs: WireProperties = {};
  let fail: (error: unknown) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  let failed = false;
  failure.catch(() => (failed = true));

  // One resource after the other: the order of the program's own dependencies, and the same in every run.
  let turn: Promise<unknown> = Promise.resolve();
  const registrations = new Map<string, Registration>();
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name }) {
        const registration = registrations.get(`${type} ${name}`);
        if (registration === undefined) throw new Error(`${name} was not registered`);
        const step = turn.then(async () => {
          if (failed) throw new Error("the run has failed");
          const { id, outputs: state } = await engine.register(registration);
          return { id, state };
        });
        turn = step.catch(fail);
        return step;
      },
      async call({ token, inputs }) {
        try {
          const invoke = invokes[token];
          if (invoke === undefined) throw new Error(`the embedded engine answers no ${token}: use the Pulumi CLI`);
          return await invoke(inputs as WireProperties);
        } catch (error) {
          // The SDK hands the program another error, without the message.
          fail(error);
          throw error;
        }
      },
    },
    project,
    stack,
    command === "preview",
    // As a backend of one's own calls it (`pulumi login --local`).
    "organization",
  );

  watchMonitor({
    onRegister: (registration) => void registrations.set(`${registration.type} ${registration.name}`, registration),
    onOutputs: (stackOutputs) => void (outputs = stackOutputs),
  });

  // An error rejects every output that hangs on it, dozens at times: the first one counts.
  process.on("unhandledRejection", fail);
  try {
    const run = pulumi.runtime
      .runInPulumiStack(program)
      .then(() => pulumi.runtime.disconnect())
      // A resource whose inputs failed is never registered, and would be taken for one that is gone: let the error arrive first.
      .then(() => nextTurn());
    run.catch(fail);
    await Promise.race([run, failure]);
    return outputs;
  } finally {
    await turn;
    await nextTurn();
    process.off("unhandledRejection", fail);
  }
}
