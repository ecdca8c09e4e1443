import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EngineStack } from "./engineStack";

const stack = new EngineStack();
const { machine, run, remote, names, ran } = stack;

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
    const error = await run(three("sixteen-horses")).catch((thrown: Error) => thrown);
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
    expect(existsSync(stack.stateFile)).toBe(false);
  });

  it("is made by the next run, and nothing is made twice", async () => {
    machine.react = fails("second");
    await expect(run(three("one"))).rejects.toThrow();
    machine.react = () => ({});
    expect((await run(three("one"))).summary).toEqual({
      created: 2,
      updated: 0,
      replaced: 0,
      unchanged: 1,
      deleted: 0,
    });
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

  it("loses nothing of a command that was running", async () => {
    machine.react = () => ({ duration: 300 });
    const later = () => new Promise((_, reject) => setTimeout(() => reject(new Error("broken")), 150));
    const broken = () => {
      remote("first", {});
      return { output: later() };
    };
    await expect(run(broken)).rejects.toThrow("broken");
    expect(names()).toEqual(["first"]);
  });

  it("ends the run also when it does so in an apply", async () => {
    await run(() => void remote("release", {}));
    const args = ["--import", "tsx", "test/components/failingProgram.ts", stack.stateFile, String(machine.port)];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stdout).toBe('error serializing property "stdin": cannot render text\n');
    expect(status).toBe(1);
    expect(names()).toEqual(["release"]);
  });
});
