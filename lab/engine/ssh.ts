import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ConnectConfig, utils } from "ssh2";
import { endOfOutput } from "./output";

/** What @pulumi/command's `remote.Connection` may hold, as far as the gateway uses it. */
export interface Connection {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  readonly privateKey?: string;
  readonly agentSocketPath?: string;
  /** `ssh-ed25519 AAAA...`; required here: nothing is sent to a machine that cannot prove who it is. */
  readonly hostKey?: string;
  /** Failed attempts before it gives up. Default 10. */
  readonly dialErrorLimit?: number;
  /** Seconds for one attempt. Default 15. */
  readonly perDialTimeout?: number;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Execution {
  readonly command: string;
  readonly stdin: string;
  /** Called with each line as it comes. */
  readonly onLine: (stream: keyof Output, line: string) => void;
}

/**
 * Runs a command on a machine and hands its output back whole.
 * @throws when the machine cannot be reached, is another than its host key says, or the command fails: then with the end of its
 * output, but never with the command or its input
 */
export async function runRemote(connection: Connection, execution: Execution): Promise<Output> {
  const client = await dial(connection);
  try {
    return await execute(client, execution);
  } finally {
    client.end();
  }
}

/** Pauses between attempts as the real provider makes them: 100 ms, growing by half each time, 5 s at most. */
const pause = (attempt: number): number => Math.min(100 * 1.5 ** attempt, 5000);

async function dial({ host, port = 22, user = "root", ...rest }: Connection): Promise<Client> {
  const { privateKey, hostKey, dialErrorLimit = 10, perDialTimeout = 15 } = rest;
  const expected = Buffer.from(hostKey?.split(" ")[1] ?? "", "base64");
  if (!hostKey?.startsWith("ssh-ed25519 ") || expected.length === 0)
    throw new Error("the connection needs an ed25519 hostKey");
  if (privateKey !== undefined && utils.parseKey(privateKey) instanceof Error)
    throw new Error("the private key cannot be read as one");
  let impostor = false;
  const config: ConnectConfig = {
    host,
    port,
    username: user,
    privateKey,
    agent: rest.agentSocketPath ?? process.env["SSH_AUTH_SOCK"],
    algorithms: { serverHostKey: ["ssh-ed25519"] },
    hostVerifier: (key: Buffer) => !(impostor = !key.equals(expected)),
    readyTimeout: perDialTimeout * 1000,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
  };
  for (let attempt = 0; ; attempt++) {
    try {
      return await connect(config);
    } catch (error) {
      const { message: reason } = error as Error;
      const where = `${host}:${port}`;
      if (impostor)
        throw new Error(`${where} has another host key than the one expected; nothing was sent to it`, {
          cause: error,
        });
      if (attempt >= dialErrorLimit)
        throw new Error(`${where}: after ${attempt} failed attempts: ${reason}`, { cause: error });
      await sleep(pause(attempt));
    }
  }
}

function connect(config: ConnectConfig): Promise<Client> {
  const client = new Client();
  return new Promise((resolve, reject) => {
    // The protocol goes to and fro in small packets: waiting to fill them costs 90 ms a turn, most of a command's time.
    client.on("connect", () => client.setNoDelay(true));
    client.on("ready", () => resolve(client));
    // Stays after the connection stands: an error without a listener would end the process.
    client.on("error", (error) => {
      client.end();
      reject(error);
    });
    client.on("close", () => reject(new Error("the connection was closed")));
    client.connect(config);
  });
}

function execute(client: Client, { command, stdin, onLine }: Execution): Promise<Output> {
  return new Promise((resolve, reject) => {
    client.on("close", () => reject(new Error("the connection broke while the command ran")));
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      const output = { stdout: "", stderr: "" };
      let both = "";
      for (const [name, stream] of [
        ["stdout", channel],
        ["stderr", channel.stderr],
      ] as const) {
        let rest = "";
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => {
          output[name] += text;
          both += text;
          const lines = (rest + text).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) onLine(name, line);
        });
        stream.on("end", () => rest !== "" && onLine(name, rest));
      }
      channel.on("close", (status: number | null, signal?: string) => {
        const end = endOfOutput(both.trimEnd().split("\n"));
        if (status === 0)
          resolve({ stdout: output.stdout.replace(/\n$/, ""), stderr: output.stderr.replace(/\n$/, "") });
        else
          reject(
            new Error(
              `the command ended with ${signal === undefined ? `status ${status}` : `signal ${signal}`}:\n${end}`,
            ),
          );
      });
      channel.on("error", reject);
      channel.end(stdin);
    });
  });
}
