import { type AddressInfo } from "node:net";
import { type Connection, Server, utils } from "ssh2";
import { newSshKeys } from "../sshKeys";

/** What the machine does with a command. */
export interface Reaction {
  readonly stdout?: string;
  readonly stderr?: string;
  /** Default 0. */
  readonly status?: number;
  /** How long it takes, milliseconds. Default 0. */
  readonly duration?: number;
}

/** An SSH server on the loopback interface that plays the machine: it takes any command from one key and remembers it. */
export class SshServer {
  /** Each command that came, with its standard input. */
  readonly commands: { readonly command: string; readonly stdin: string }[] = [];
  /** Connections, whatever became of them. */
  attempts = 0;
  /** Decides what a command does; default: it succeeds and says nothing. */
  react: (command: string, stdin: string) => Reaction = () => ({});
  readonly hostKey: string;
  readonly privateKey: string;
  port = 0;
  private readonly server: Server;

  constructor() {
    const host = newSshKeys("machine");
    const login = newSshKeys("login");
    const loginKey = utils.parseKey(login.publicKey);
    if (loginKey instanceof Error) throw loginKey;
    this.hostKey = host.publicKey;
    this.privateKey = login.privateKey;
    this.server = new Server({ hostKeys: [host.privateKey] }, (client) => {
      this.attempts++;
      // Missing in the types; without it a command takes half a second.
      (client as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true);
      client.on("error", () => undefined);
      client.on("authentication", (context) => {
        const known = context.method === "publickey" && context.key.data.equals(loginKey.getPublicSSH());
        if (known) context.accept();
        else context.reject(["publickey"]);
      });
      client.on("session", (acceptSession) =>
        acceptSession().on("exec", (acceptCommand, _, { command }) => {
          const channel = acceptCommand();
          let stdin = "";
          channel.on("data", (chunk: Buffer) => (stdin += chunk.toString()));
          channel.on("end", () => {
            this.commands.push({ command, stdin });
            const { stdout = "", stderr = "", status = 0, duration = 0 } = this.react(command, stdin);
            channel.stderr.write(stderr);
            channel.write(stdout);
            setTimeout(() => {
              channel.exit(status);
              channel.end();
            }, duration);
          });
        }),
      );
    });
  }

  /** @param port default: a free one, then found in `port` */
  listen(port = 0): Promise<void> {
    return new Promise((resolve) =>
      this.server.listen(port, "127.0.0.1", () => {
        this.port = (this.server.address() as AddressInfo).port;
        resolve();
      }),
    );
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
