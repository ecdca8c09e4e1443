import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { existsSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isSecret, redact } from "../../lab/engine/secretValue";
import { EngineStack } from "./engineStack";

const SECRET = "sixteen-horses";
const stack = new EngineStack();
const { machine, run, remote, stored, names, ran } = stack;

describe("steps", () => {
  it("creates once, leaves alone what is the same, updates what is not, deletes what is gone", async () => {
    const both = (stdin: string) => () => {
      const first = remote("first", { delete: "delete first" });
      remote("second", { stdin, delete: "delete second" }, { dependsOn: first });
    };
    expect((await run(both("one"))).summary).toEqual({ created: 2, updated: 0, replaced: 0, unchanged: 0, deleted: 0 });
    expect((await run(both("one"))).summary).toEqual({ created: 0, updated: 0, replaced: 0, unchanged: 2, deleted: 0 });
    expect((await run(both("two"))).summary).toEqual({ created: 0, updated: 1, replaced: 0, unchanged: 1, deleted: 0 });
    expect((await run(() => void remote("third", {}))).summary).toEqual({
      created: 1,
      updated: 0,
      replaced: 0,
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

  it("keeps random bytes until they are asked for otherwise", async () => {
    const program = (length: number) => () => ({ bytes: new random.RandomBytes("bytes", { length }).hex });
    const first = await run(program(8));
    expect(await run(program(8))).toMatchObject({ outputs: first.outputs });
    expect(JSON.stringify(first.outputs)).toMatch(/"[0-9a-f]{16}"/);
    expect(JSON.stringify((await run(program(9))).outputs)).toMatch(/"[0-9a-f]{18}"/);
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
    expect(existsSync(stack.stateFile)).toBe(false);
    expect(ran()).toEqual([]);
    await run(program);
    expect((await run(program, "preview")).summary).toEqual({
      created: 0,
      updated: 0,
      replaced: 0,
      unchanged: 3,
      deleted: 0,
    });
    expect((await run(() => undefined, "preview")).summary.deleted).toBe(3);
    expect(names()).toEqual(["bytes", "first", "second"]);
    expect(ran()).toHaveLength(2);
  });
});

describe("the state", () => {
  it("is written after each step, for its owner alone", async () => {
    const seen: string[][] = [];
    machine.react = () => {
      seen.push(existsSync(stack.stateFile) ? names() : []);
      return {};
    };
    await run(() => {
      const first = remote("first", {});
      remote("second", {}, { dependsOn: first });
    });
    expect(seen).toEqual([[], ["first"]]);
    expect(statSync(stack.stateFile).mode & 0o777).toBe(0o600);
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
    stack.log = [];
    await run(quiet);
    expect(stack.log.join("\n")).toContain("it | working");
    expect(stack.log.join("\n")).not.toContain(SECRET);
  });
});
