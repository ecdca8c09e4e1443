import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "ssh2";
import type { ExpectedMachine } from "../components/host";
import {
  bareKey,
  BrokenConnection,
  type Connection,
  DialError,
  enter,
  execute,
  fingerprint,
  placeOf,
  refusalOf,
} from "./ssh";

/*
 * Waits until a machine takes commands and has proved who it is; run by the deployment. Standard input: an ExpectedMachine as JSON.
 * Standard error tells what is waited for; standard output is the host key that the machine has proved, and its EC2 instance.
 * PULUMI_COMMAND_STDOUT is what it was the last time.
 */

/** Seconds: a new machine boots and updates its package lists, one that is there may be booting. */
const PATIENCE = { newMachine: 900, existing: 300 };
/** Seconds between two lines that say the same. */
const REMINDER = 30;
/** What ready.sh ends with on another machine than the one expected (`man 3 sysexits`, EX_TEMPFAIL). */
const ANOTHER_MACHINE = 75;

const userdata = (name: string): string => readFileSync(join(__dirname, "..", "userdata", name), "utf8");
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Something that may be otherwise in a moment: worth another attempt. */
class NotYet extends Error {
  override readonly name = "NotYet";
}

/**
 * The host key that a machine may show in place of the connection's, and is then given that one: of an instance that was never reached
 * the one of its user data, which is void afterwards; else the one that it proved the last time.
 */
function temporaryKeys({ newMachine }: ExpectedMachine, former: string | undefined): string[] {
  if (newMachine === undefined) return [];
  const [kind = "", key = "", instance] = (former ?? "").split(" ");
  return [instance === newMachine.instanceId ? `${kind} ${key}` : newMachine.bootHostKey];
}

/** One attempt. @returns what goes to standard output @throws NotYet, or the error that ends the waiting */
async function attempt(expected: ExpectedMachine, former: string | undefined): Promise<string> {
  const { connection, newMachine } = expected;
  const agent = process.env["SSH_AUTH_SOCK"];
  const temporary = temporaryKeys(expected, former);
  const { client, shown } = await enter(connection, agent, temporary).catch((error: unknown) => {
    throw error instanceof DialError ? later(error, connection, newMachine !== undefined, agent) : error;
  });
  try {
    await becomeReady(client, newMachine?.instanceId ?? "");
    if (bareKey(shown) === bareKey(connection.hostKey))
      return [bareKey(shown), newMachine?.instanceId].filter(Boolean).join(" ");
    await run(client, userdata("rotate-host-key.sh"), newMachine?.hostPrivateKey ?? "");
    throw new NotYet(`its SSH host key is now ${fingerprint(connection.hostKey)}: entering once more`);
  } catch (error) {
    // Its address moved meanwhile, or it restarts.
    throw error instanceof BrokenConnection ? new NotYet(error.message) : error;
  } finally {
    client.end();
  }
}

/** Whether an attempt that failed is worth another one. */
function later(error: DialError, connection: Connection, isNew: boolean, agent: string | undefined): Error {
  if (error.kind === "no answer") return new NotYet(error.message);
  if (!isNew) return refusalOf(error, connection, agent);
  return new NotYet(
    error.kind === "another host key"
      ? `another machine answers there, with the host key ${fingerprint(error.shown ?? "")} instead of ` +
          `${fingerprint(connection.hostKey)}: the address does not lead to the new one yet`
      : `the login ${connection.user} is refused: the machine has not made it yet`,
  );
}

async function becomeReady(client: Client, instanceId: string): Promise<void> {
  const { status, stdout, stderr } = await execute(client, userdata("ready.sh"), instanceId);
  if (status === ANOTHER_MACHINE) throw new NotYet(stderr.trim());
  if (status !== 0) throw new Error(stderr.trim() || `the machine is not ready: status ${status ?? "unknown"}`);
  say(stdout.trim());
}

async function run(client: Client, script: string, stdin: string): Promise<void> {
  const { status, stderr } = await execute(client, script, stdin);
  if (status !== 0)
    throw new Error(`the SSH host key was not replaced: ${stderr.trim() || `status ${status ?? "unknown"}`}`);
}

/** What to look at when a machine does not answer. */
const causes = ({ newMachine }: ExpectedMachine): string[] =>
  newMachine === undefined
    ? [
        "is the machine on, and its address right (host.address, host.port)?",
        "does its firewall, or one before it, let SSH in from here?",
      ]
    : [
        "host.sshFrom: does it hold the address that you come from?",
        "the security group: has anybody changed it?",
        "the subnet: does its routing table lead to an internet gateway, and does a network ACL let SSH pass?",
        `the instance ${newMachine.instanceId}: does it boot? See its system log: aws ec2 get-console-output`,
      ];

async function main(): Promise<void> {
  const expected = JSON.parse(readFileSync(0, "utf8")) as ExpectedMachine;
  const { connection, newMachine } = expected;
  const patience = newMachine === undefined ? PATIENCE.existing : PATIENCE.newMachine;
  const began = performance.now();
  const elapsed = () => Math.round((performance.now() - began) / 1000);
  let told = { reason: "", at: 0 };
  for (;;) {
    try {
      process.stdout.write(`${await attempt(expected, process.env["PULUMI_COMMAND_STDOUT"])}\n`);
      return;
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      const reason = error.message;
      if (elapsed() > patience)
        throw new Error(
          [
            `${placeOf(connection)} did not take commands within ${patience} s: ${reason}`,
            ...causes(expected).map((cause) => `  - ${cause}`),
          ].join("\n"),
          { cause: error },
        );
      if (told.reason !== reason || elapsed() - told.at >= REMINDER) {
        say(`waiting for ${placeOf(connection)}, ${elapsed()} of ${patience} s: ${reason}`);
        told = { reason, at: elapsed() };
      }
      await sleep(Math.min(500 + elapsed() * 100, 5000));
    }
  }
}

main().then(
  // A connection that is still closing must not keep the process.
  () => process.exit(0),
  (error: unknown) => {
    say(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
