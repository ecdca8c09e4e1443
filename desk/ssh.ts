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

/** Milliseconds until a machine must have let us in. */
const PATIENCE = 15_000;

/**
 * Runs a command on a machine, whatever its exit status.
 * @param agent path of the SSH agent's socket, for a connection without a key
 * @throws Refusal when the machine does not answer, is another than its host key says, or does not let us in
 */
export async function onMachine(connection: Connection, agent: string | undefined, command: string): Promise<Ran> {
  const client = await enter(connection, agent);
  try {
    return await new Promise<Ran>((settle, fail) => {
      client.on("close", () => fail(new Error("the connection broke while the command ran")));
      client.exec(command, (error, channel) => {
        if (error) return fail(error);
        let [stdout, stderr] = ["", ""];
        channel.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        channel.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        channel.on("close", (status?: number) => settle({ status, stdout, stderr }));
        channel.end();
      });
    });
  } finally {
    client.end();
  }
}

function enter({ host, port = 22, user, privateKey, hostKey }: Connection, agent: string | undefined): Promise<Client> {
  const where = `${host}, port ${port}`;
  const expected = utils.parseKey(hostKey);
  if (expected instanceof Error) throw new Error(`the output connection has a host key that is none: ${hostKey}`);
  let impostor = false;
  const client = new Client();
  return new Promise((settle, fail) => {
    client.on("ready", () => settle(client));
    // Stays after the connection stands: an error without a listener would end the process.
    client.on("error", ({ message, level }: Error & { level?: string }) => {
      client.end();
      if (impostor)
        fail(
          new Refusal(
            `${where} shows another host key than the deployed machine's; nothing was asked of it`,
            hostKey.split(" ").slice(0, 2).join(" "),
            "look at the key on the machine itself; one that was set up anew has a new one, for host.hostKey and pulumi up",
          ),
        );
      else if (level === "client-authentication")
        fail(
          new Refusal(
            `${where} does not let ${user} in`,
            privateKey === undefined ? "a key that your SSH agent holds" : "the key of the deployment",
            privateKey === undefined
              ? `ssh-add the key; SSH_AUTH_SOCK is ${agent ?? "not set"}`
              : "put its public half into ~/.ssh/authorized_keys on the machine again",
          ),
        );
      else
        fail(
          new Refusal(
            `${where} cannot be reached by SSH: ${message}`,
            "a machine that runs, and lets this network in",
            "on EC2: your address must be in host.sshFrom, and the instance run; else look at its firewalls",
          ),
        );
    });
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      agent: privateKey === undefined ? agent : undefined,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => !(impostor = !key.equals(expected.getPublicSSH())),
      readyTimeout: PATIENCE,
    });
  });
}
