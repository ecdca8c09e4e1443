import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { deploy, type Deployment } from "../../lab/engine/deploy";
import type { StoredResource } from "../../lab/engine/state";
import { SshServer } from "./sshServer";

/** A stack of the embedded engine and the machine its commands run on, both empty before each test of the file that makes it. */
export class EngineStack {
  readonly machine = new SshServer();
  /** Progress since the test began. */
  log: string[] = [];
  stateFile = "";

  constructor() {
    beforeAll(() => this.machine.listen());
    afterAll(() => this.machine.close());
    beforeEach(() => {
      this.stateFile = join(mkdtempSync(join(tmpdir(), "wg-gateway-engine-")), "state", "test.json");
      this.log = [];
      this.machine.commands.length = 0;
      this.machine.react = () => ({});
    });
  }

  readonly run = (
    program: () => Record<string, unknown> | void,
    action: Deployment["command"] = "up",
    replace: readonly string[] = [],
  ) =>
    deploy({
      command: action,
      project: "p",
      stack: "s",
      replace,
      stateFile: this.stateFile,
      config: {},
      program: () => new Promise((resolve) => resolve(program() ?? {})),
      log: (line) => void this.log.push(line),
    });

  readonly remote = (
    name: string,
    args: Partial<command.remote.CommandArgs>,
    options?: pulumi.CustomResourceOptions,
  ) => {
    const { hostKey, privateKey, port } = this.machine;
    const connection = { host: "127.0.0.1", port, user: "admin", hostKey, privateKey, dialErrorLimit: 0 };
    return new command.remote.Command(name, { connection, create: `create ${name}`, ...args }, options);
  };

  readonly stored = () => JSON.parse(readFileSync(this.stateFile, "utf8")) as StoredResource[];
  /** Names of what stands in the state, in its order. */
  readonly names = () => this.stored().map(({ name }) => name);
  /** The commands the machine was told to run. */
  readonly ran = () => this.machine.commands.map((entry) => entry.command);
}
