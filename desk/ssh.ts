import { createHash } from "node:crypto";
import { Client, utils } from "ssh2";
import type { Connection as HostConnection } from "../components/host";
import { Refusal } from "./refusal";

/** How a machine is reached, as the stack's output `connection` has it. */
export type Connection = Pick<HostConnection, "host" | "port" | "user" | "privateKey" | "hostKey">;

export interface Ran {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a machine could not be entered. */
export class DialError extends Error {
  override readonly name = "DialError";

  /** @param shown the host key that it showed, `ssh-ed25519 AAAA...`; undefined when it came to none */
  constructor(
    readonly kind: "another host key" | "login refused" | "no answer",
    message: string,
    readonly shown?: string,
  ) {
    super(message);
  }
}

/** A machine that was entered, and then answered no more. */
export class BrokenConnection extends Error {
  override readonly name = "BrokenConnection";
}

/** Milliseconds until a machine must have let us in. */
const PATIENCE = 15_000;

/** Where a connection leads, for people. */
export const placeOf = ({ host, port = 22 }: Connection): string => `${host}, port ${port}`;

/** An SSH public key without its comment. */
export const bareKey = (line: string): string => line.trim().split(/\s+/).slice(0, 2).join(" ");

/** As `ssh-keygen -l` shows a public key: "SHA256:..." */
export const fingerprint = (line: string): string =>
  `SHA256:${createHash("sha256").update(blob(line)).digest("base64").replace(/=+$/, "")}`;

function blob(line: string): Buffer {
  const key = utils.parseKey(line);
  if (key instanceof Error) throw new Error(`this is no SSH public key: ${line}`);
  return key.getPublicSSH();
}

/**
 * One attempt to enter a machine.
 * @param agent path of the SSH agent's socket, for a connection without a key
 * @param alsoAccepts host keys that it may show in place of the connection's
 * @returns the client, and the host key that it showed
 * @throws DialError
 */
export function enter(
  connection: Connection,
  agent: string | undefined,
  alsoAccepts: readonly string[] = [],
): Promise<{ client: Client; shown: string }> {
  const { host, port = 22, user, privateKey, hostKey } = connection;
  const accepted = [hostKey, ...alsoAccepts].map(blob);
  let shown: string | undefined;
  let impostor = false;
  const client = new Client();
  return new Promise((settle, fail) => {
    // The protocol goes to and fro in small packets: waiting to fill them costs 90 ms a turn.
    client.on("connect", () => client.setNoDelay(true));
    client.on("ready", () => settle({ client, shown: shown ?? "" }));
    // Stays after the connection stands: an error without a listener would end the process.
    client.on("error", ({ message, level }: Error & { level?: string }) => {
      client.end();
      const kind = impostor ? "another host key" : level === "client-authentication" ? "login refused" : "no answer";
      fail(new DialError(kind, message, shown));
    });
    client.on("close", () => fail(new DialError("no answer", "the connection was closed", shown)));
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      agent: privateKey === undefined ? agent : undefined,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        shown = `ssh-ed25519 ${key.toString("base64")}`;
        impostor = !accepted.some((known) => known.equals(key));
        return !impostor;
      },
      readyTimeout: PATIENCE,
      // An Elastic IP that moves to another instance, or a machine that goes, says nothing: whoever only listens would listen for ever.
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
    });
  });
}

/**
 * Runs a command on a machine that was entered, whatever its exit status.
 * @throws BrokenConnection
 */
export const execute = (client: Client, command: string, stdin = ""): Promise<Ran> =>
  new Promise<Ran>((settle, fail) => {
    client.on("close", () => fail(new BrokenConnection("the connection broke while the command ran")));
    client.exec(command, (error, channel) => {
      if (error) return fail(error);
      let [stdout, stderr] = ["", ""];
      channel.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      channel.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      channel.on("close", (status?: number) => settle({ status, stdout, stderr }));
      channel.end(stdin);
    });
  });

/**
 * Runs a command on a machine, whatever its exit status.
 * @param agent path of the SSH agent's socket, for a connection without a key
 * @throws Refusal when the machine does not answer, is another than its host key says, or does not let us in
 */
export async function onMachine(connection: Connection, agent: string | undefined, command: string): Promise<Ran> {
  const { client } = await enter(connection, agent).catch((error: unknown) => {
    throw error instanceof DialError ? refusalOf(error, connection, agent) : error;
  });
  try {
    return await execute(client, command);
  } finally {
    client.end();
  }
}

/** What to tell of a machine that cannot be entered. */
export function refusalOf(
  { kind, message, shown = "" }: DialError,
  connection: Connection,
  agent: string | undefined,
): Refusal {
  const { user, privateKey, hostKey } = connection;
  const where = placeOf(connection);
  switch (kind) {
    case "another host key":
      return new Refusal(
        `${where} shows another host key than the one expected, ${bareKey(shown)} (${fingerprint(shown)}); nothing was sent to it`,
        `${bareKey(hostKey)} (${fingerprint(hostKey)})`,
        "compare it with /etc/ssh/ssh_host_ed25519_key.pub on the machine itself; a machine that was set up anew has a new one, for host.hostKey",
      );
    case "login refused":
      return new Refusal(
        `${where} does not let ${user} in`,
        privateKey === undefined ? "a key that your SSH agent holds" : "the key of the deployment",
        privateKey === undefined
          ? `ssh-add the key; SSH_AUTH_SOCK is ${agent ?? "not set"}`
          : "put its public half into ~/.ssh/authorized_keys on the machine again",
      );
    case "no answer":
      return new Refusal(
        `${where} cannot be reached by SSH: ${message}`,
        "a machine that runs, and lets this network in",
        "on EC2: your address must be in host.sshFrom, and the instance run; else look at its firewalls",
      );
    default:
      return kind satisfies never;
  }
}
