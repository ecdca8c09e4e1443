import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deploy, type Deployment } from "../../lab/engine/deploy";
import { isSecret, redact } from "../../lab/engine/secretValue";
import type { StoredResource } from "../../lab/engine/state";
import { SshServer } from "./sshServer";

const SECRET = "sixteen-horses";
const machine = new SshServer();
let stateFile = "";
let log: string[] = [];

beforeAll(() => machine.listen());
afterAll(() => machine.close());
beforeEach(() => {
  stateFile = join(mkdtempSync(join(tmpdir(), "wg-gateway-engine-")), "state", "test.json");
  log = [];
  machine.commands.length = 0;
  machine.react = () => ({});
});

const stored = () => JSON.parse(readFileSync(stateFile, "utf8")) as StoredResource[];
const names = () => stored().map(({ name }) => name);
const ran = () => machine.commands.map((entry) => entry.command);

function run(program: () => Record<string, unknown> | void, action: Deployment["command"] = "up") {
  const whole = () => Promise.resolve(program() ?? {});
  const say = (line: string) => void log.push(line);
  return deploy({ command: action, project: "p", stack: "s", stateFile, config: {}, program: whole, log: say });
}

function remote(name: string, args: Partial<command.remote.CommandArgs>, options?: pulumi.CustomResourceOptions) {
  const { hostKey, privateKey, port } = machine;
  const connection = { host: "127.0.0.1", port, user: "admin", hostKey, privateKey, dialErrorLimit: 0 };
  return new command.remote.Command(name, { connection, create: `create ${name}`, ...args }, options);
}

describe("steps", () => {
  it("creates once, leaves alone what is the same, updates what is not, deletes what is gone", async () => {
    const both = (stdin: string) => () => {
      const first = remote("first", { delete: "delete first" });
      remote("second", { stdin, delete: "delete second" }, { dependsOn: first });
    };
    expect((await run(both("one"))).summary).toEqual({ created: 2, updated: 0, unchanged: 0, deleted: 0 });
    expect((await run(both("one"))).summary).toEqual({ created: 0, updated: 0, unchanged: 2, deleted: 0 });
    expect((await run(both("two"))).summary).toEqual({ created: 0, updated: 1, unchanged: 1, deleted: 0 });
    expect((await run(() => void remote("third", {}))).summary).toEqual({
      created: 1,
      updated: 0,
      unchanged: 0,
      deleted: 2,
    });
    expect(ran()).toEqual([
      "create first",
      "create second",
      "create second",
      "create third",
      "delete second",
      "delete first",
    ]);
    expect(machine.commands.map(({ stdin }) => stdin).slice(0, 3)).toEqual(["", "one", "two"]);
    expect(names()).toEqual(["third"]);
  });

  it("updates by the update command where there is one", async () => {
    await run(() => void remote("it", { update: "update it", stdin: "one" }));
    await run(() => void remote("it", { update: "update it", stdin: "two" }));
    expect(ran()).toEqual(["create it", "update it"]);
  });

  it("deletes after the run, in the order of the newest dependencies", async () => {
    await run(() => {
      remote("old", { delete: "delete old" });
    });
    await run(() => {
      const added = remote("added", { delete: "delete added" });
      remote("old", { delete: "delete old" }, { dependsOn: added });
    });
    await run(() => undefined, "destroy");
    expect(ran()).toEqual(["create old", "create added", "delete old", "delete added"]);
    expect(stored()).toEqual([]);
  });

  it("does not run the delete of what goes down with another resource", async () => {
    const program = (stdin: string) => () => {
      const machineBytes = new random.RandomBytes("machine", { length: 4 });
      remote("with", { delete: "delete with", stdin }, { deletedWith: machineBytes });
    };
    await run(program("one"));
    await run(() => void new random.RandomBytes("machine", { length: 4 }));
    expect(ran()).toEqual(["create with", "delete with"]);
    await run(program("two"));
    await run(() => undefined, "destroy");
    expect(ran()).toEqual(["create with", "delete with", "create with"]);
  });

  it("ignores the changes it is told to ignore", async () => {
    const program = (stdin: string) => () => void remote("it", { stdin }, { ignoreChanges: ["stdin"] });
    await run(program("one"));
    expect((await run(program("two"))).summary.unchanged).toBe(1);
    expect(stored()[0]?.inputs["stdin"]).toBe("one");
  });

  it("keeps random bytes, and refuses to change them under their users", async () => {
    const program = (length: number) => () => ({ bytes: new random.RandomBytes("bytes", { length }).hex });
    const first = await run(program(8));
    expect(await run(program(8))).toMatchObject({ outputs: first.outputs });
    expect(JSON.stringify(first.outputs)).toMatch(/"[0-9a-f]{16}"/);
    await expect(run(program(9))).rejects.toThrow("bytes (random:index/randomBytes:RandomBytes): ");
  });

  it("hands what one resource printed to the next", async () => {
    machine.react = (line) => ({ stdout: line === "create first" ? "printed\n" : "" });
    await run(() => {
      const first = remote("first", {});
      remote("second", { stdin: pulumi.interpolate`<${first.stdout}>` });
    });
    expect(machine.commands.at(-1)?.stdin).toBe("<printed>");
  });

  it("previews without touching the machine or the state", async () => {
    const program = () => {
      const bytes = new random.RandomBytes("bytes", { length: 4 });
      const first = remote("first", { stdin: bytes.base64 });
      remote("second", { stdin: first.stdout });
    };
    expect((await run(program, "preview")).summary.created).toBe(3);
    expect(existsSync(stateFile)).toBe(false);
    expect(ran()).toEqual([]);
    await run(program);
    expect((await run(program, "preview")).summary).toEqual({ created: 0, updated: 0, unchanged: 3, deleted: 0 });
    expect((await run(() => undefined, "preview")).summary.deleted).toBe(3);
    expect(names()).toEqual(["bytes", "first", "second"]);
    expect(ran()).toHaveLength(2);
  });
});

describe("a resource that fails", () => {
  const fails = (name: string) => (line: string) =>
    line === `create ${name}` ? { stderr: "no room\n", status: 3 } : {};
  const three = (stdin: string) => () => {
    const first = remote("first", {});
    const second = remote("second", { stdin, delete: "delete second" }, { dependsOn: first });
    remote("third", {}, { dependsOn: second });
  };

  it("ends the run with its own message, once, before what depends on it", async () => {
    machine.react = fails("second");
    const error = await run(three(SECRET)).catch((thrown: Error) => thrown);
    expect(error).toHaveProperty(
      "message",
      "second (command:remote:Command): the command ended with status 3:\nno room",
    );
    expect(ran()).toEqual(["create first", "create second"]);
    expect(names()).toEqual(["first"]);
  });

  it("is the last one, also of those that do not depend on it", async () => {
    machine.react = fails("first");
    await expect(
      run(() => {
        remote("first", {});
        remote("second", {});
      }),
    ).rejects.toThrow("no room");
    expect(ran()).toEqual(["create first"]);
    expect(existsSync(stateFile)).toBe(false);
  });

  it("is made by the next run, and nothing is made twice", async () => {
    machine.react = fails("second");
    await expect(run(three("one"))).rejects.toThrow();
    machine.react = () => ({});
    expect((await run(three("one"))).summary).toEqual({ created: 2, updated: 0, unchanged: 1, deleted: 0 });
    expect(ran()).toEqual(["create first", "create second", "create second", "create third"]);
  });

  it("keeps what it was when an update failed: taken back, the change is no change", async () => {
    await run(three("one"));
    machine.react = fails("second");
    await expect(run(three("two"))).rejects.toThrow();
    expect((await run(three("one"))).summary.unchanged).toBe(3);
  });

  it("deletes nothing", async () => {
    await run(three("one"));
    machine.react = fails("new");
    await expect(run(() => void remote("new", {}))).rejects.toThrow("no room");
    expect(names()).toEqual(["first", "second", "third"]);
  });

  it("stays when it cannot be deleted", async () => {
    await run(three("one"));
    machine.react = () => ({ status: 1 });
    await expect(run(() => undefined, "destroy")).rejects.toThrow("status 1");
    expect(names()).toEqual(["first", "second"]);
  });
});

describe("a program that fails", () => {
  it("ends the run, and nothing more is made or deleted", async () => {
    await run(() => void remote("first", {}));
    const broken = () => {
      remote("second", {});
      throw new Error("broken");
    };
    await expect(run(broken)).rejects.toThrow("broken");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(ran()).toEqual(["create first"]);
    expect(names()).toEqual(["first"]);
  });

  it("ends the run also when it does so in an apply", { timeout: 30_000 }, async () => {
    await run(() => void remote("release", {}));
    const args = ["--import", "tsx", "test/components/failingProgram.ts", stateFile, String(machine.port)];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stdout).toBe('error serializing property "stdin": cannot render text\n');
    expect(status).toBe(1);
    expect(names()).toEqual(["release"]);
  });
});

describe("the state", () => {
  it("is written after each step, for its owner alone", async () => {
    const seen: string[][] = [];
    machine.react = () => {
      seen.push(existsSync(stateFile) ? names() : []);
      return {};
    };
    await run(() => {
      const first = remote("first", {});
      remote("second", {}, { dependsOn: first });
    });
    expect(seen).toEqual([[], ["first"]]);
    expect(statSync(stateFile).mode & 0o777).toBe(0o600);
  });

  it("keeps secrets secret, and no line of progress shows one", async () => {
    const program = () => {
      const it = remote("it", { stdin: pulumi.secret(SECRET) }, { additionalSecretOutputs: ["stdout"] });
      return { plain: "seen", deep: { secret: pulumi.secret(SECRET) }, printed: it.stdout };
    };
    machine.react = (_, stdin) => ({ stdout: stdin, stderr: "working\n" });
    for (const step of ["created", "unchanged"] as const) {
      const { outputs, summary } = await run(program);
      expect(summary[step]).toBe(1);
      expect(machine.commands.map(({ stdin }) => stdin)).toEqual([SECRET]);
      expect(redact(outputs)).toEqual({ plain: "seen", deep: { secret: "[secret]" }, printed: "[secret]" });
      expect(isSecret(stored()[0]?.inputs["stdin"] ?? null)).toBe(true);
    }
    const quiet = () => void remote("it", { stdin: pulumi.secret(`${SECRET} 2`), logging: "stderr" });
    log = [];
    await run(quiet);
    expect(log.join("\n")).toContain("it | working");
    expect(log.join("\n")).not.toContain(SECRET);
  });
});
