import * as command from "@pulumi/command";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { describe, expect, it } from "vitest";
import { State } from "../../lab/engine/state";
import { EngineStack } from "./engineStack";

const stack = new EngineStack();
const { machine, run, remote, stored, names, ran } = stack;

/* What Pulumi's engine does where a resource is replaced (pkg/resource/deploy/step_generator.go). */
describe("a resource is replaced", () => {
  const program =
    (triggers: string[], options = {}) =>
    () =>
      void remote("it", { delete: "delete it", triggers }, options);

  it("by what cannot be changed: the new one is made before the old one is deleted", async () => {
    await run(program(["one"]));
    expect((await run(program(["two"]))).summary).toMatchObject({ replaced: 1, created: 0, updated: 0, deleted: 0 });
    expect(ran()).toEqual(["create it", "create it", "delete it"]);
    expect(names()).toEqual(["it"]);
  });

  it("the other way round where it says so", async () => {
    await run(program(["one"], { deleteBeforeReplace: true }));
    await run(program(["two"], { deleteBeforeReplace: true }));
    expect(ran()).toEqual(["create it", "delete it", "create it"]);
  });

  it("when it is asked for by name, whatever its inputs are", async () => {
    await run(program([]));
    expect((await run(program([]), "up", ["it"])).summary.replaced).toBe(1);
    expect((await run(program([]), "up", ["another"])).summary.unchanged).toBe(1);
  });

  it.each([
    ["another value", "one", "two", 1],
    ["the same value", "one", "one", 0],
    ["a first value", undefined, "one", 0],
    ["no value any more", "one", undefined, 0],
  ] as const)("by its trigger: %s", async (_, before, after, replaced) => {
    const triggered = (replacementTrigger: string | undefined) => () =>
      void remote("it", {}, replacementTrigger === undefined ? {} : { replacementTrigger });
    await run(triggered(before));
    expect((await run(triggered(after))).summary.replaced).toBe(replaced);
  });

  it("with what it goes with, and then not deleted by itself", async () => {
    const together = (length: number) => () => {
      const text = new random.RandomPassword("machine", { length, special: false });
      remote("it", { delete: "delete it" }, { deletedWith: text });
    };
    await run(together(8));
    expect((await run(together(9))).summary.replaced).toBe(2);
    expect(ran()).toEqual(["create it", "create it"]);
  });

  it("and the old one stays noted until it could be deleted", async () => {
    await run(program(["one"]));
    machine.react = (line) => (line === "delete it" ? { status: 1, stderr: "not now\n" } : {});
    await expect(run(program(["two"]))).rejects.toThrow("not now");
    expect(stored().map((resource) => resource.delete)).toEqual([undefined, true]);
    machine.react = () => ({});
    expect((await run(program(["two"]))).summary.unchanged).toBe(1);
    expect(ran()).toEqual(["create it", "create it", "delete it", "delete it"]);
    expect(stored().map((resource) => resource.delete)).toEqual([undefined]);
  });

  it("never where it is protected, nor deleted", async () => {
    await run(program(["one"], { protect: true }));
    await expect(run(program(["two"], { protect: true }))).rejects.toThrow("protected");
    await expect(run(() => undefined, "destroy")).rejects.toThrow("protected");
    expect(ran()).toEqual(["create it"]);
    expect(names()).toEqual(["it"]);
  });

  it("in a preview by word alone", async () => {
    await run(program(["one"]));
    expect((await run(program(["two"]), "preview")).summary.replaced).toBe(1);
    expect(ran()).toEqual(["create it"]);
  });
});

describe("IDs are those of the real providers", () => {
  it("none of a secret's", async () => {
    await run(() => {
      new random.RandomPassword("text", { length: 64, special: false });
      new tls.PrivateKey("key", { algorithm: "ED25519" });
      remote("it", {});
    });
    const [text, key, it] = ["text", "key", "it"].map((name) => stored().find((resource) => resource.name === name));
    expect(text?.id).toBe("none");
    expect(key?.id).toMatch(/^[0-9a-f]{40}$/);
    expect(it?.id).toMatch(/^it[0-9a-f]{8}$/);
    expect(key?.outputs["publicKeyOpenssh"]).toMatch(/^ssh-ed25519 \S+\n$/);
  });
});

describe("a local command", () => {
  const local = (create: string, args = {}) => ({ said: new command.local.Command("it", { create, ...args }).stdout });

  it("runs in the project's folder, with its standard input, and is told what it wrote the last time", async () => {
    const script = 'ls Pulumi.yaml; cat; echo "before: $PULUMI_COMMAND_STDOUT" | tr "\\n" " "';
    expect((await run(() => local(script, { stdin: "one\n" }))).outputs["said"]).toBe("Pulumi.yaml\none\nbefore:  ");
    const again = await run(() => local(script, { stdin: "two\n" }));
    expect(again.outputs["said"]).toBe("Pulumi.yaml\ntwo\nbefore: Pulumi.yaml one before:   ");
  });

  it("that fails shows the end of what it said", async () => {
    await expect(run(() => local("echo out; echo err >&2; exit 3"))).rejects.toThrow(/status 3:\n(out\nerr|err\nout)$/);
  });

  it("shows the streams that it says", async () => {
    await run(() => local("echo out; echo err >&2", { logging: "stderr" }));
    expect(stack.log.filter((line) => line.includes(" | "))).toEqual(["    it | err"]);
  });
});

describe("what the state is told to forget", () => {
  it("is made again by the next run", async () => {
    const program = () => void remote("it", { delete: "delete it" });
    await run(program);
    new State(stack.stateFile).forget("it");
    expect(names()).toEqual([]);
    expect((await run(program)).summary.created).toBe(1);
    expect(ran()).toEqual(["create it", "create it"]);
  });

  it("is something that is there, and that nothing depends on", async () => {
    await run(() => void remote("second", {}, { dependsOn: remote("first", {}) }));
    expect(() => new State(stack.stateFile).forget("third")).toThrow("the state has no third");
    expect(() => new State(stack.stateFile).forget("first")).toThrow("second depends on first");
  });
});
