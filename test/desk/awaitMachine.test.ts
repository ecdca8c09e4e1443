import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ExpectedMachine } from "../../components/host";
import { fingerprint } from "../../desk/ssh";
import { SshServer } from "../components/sshServer";
import { newSshKeys } from "../sshKeys";

const projectDir = join(__dirname, "../..");
const bare = (key: string): string => key.split(" ").slice(0, 2).join(" ");
const machine = new SshServer();
const INSTANCE = "i-0123456789abcdef0";

beforeAll(() => machine.listen());
afterAll(() => machine.close());
beforeEach(() => {
  machine.commands.length = 0;
  machine.react = () => ({ stdout: "reached\n" });
});

interface Waiting {
  readonly ended: Promise<{ status: number; stdout: string; stderr: string }>;
  /** Resolves when a line says so. */
  readonly told: (words: string) => Promise<void>;
  readonly stop: () => void;
}
const running: Waiting[] = [];
afterEach(() => {
  for (const { stop } of running.splice(0)) stop();
});

/** @param former the host key that it proved the last time */
function wait(expected: ExpectedMachine, former = ""): Waiting {
  const words = ["--import", "tsx", "desk/awaitMachine.ts"];
  const child = spawn(process.execPath, words, {
    cwd: projectDir,
    env: { ...process.env, PULUMI_COMMAND_STDOUT: former },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end(JSON.stringify(expected));
  const waiting = {
    ended: once(child, "close").then(([status]) => ({ status: status as number, stdout, stderr })),
    async told(sought: string) {
      while (!stderr.includes(sought)) {
        if (child.exitCode !== null) throw new Error(`it ended and never said ${sought}: ${stderr}`);
        await once(child.stderr, "data");
      }
    },
    stop: () => void child.kill(),
  };
  running.push(waiting);
  return waiting;
}

const connection = (more: Partial<ExpectedMachine["connection"]> = {}) => {
  const { port, privateKey, hostKey } = machine;
  return { host: "127.0.0.1", port, user: "admin", privateKey, hostKey, ...more };
};

describe("a machine that is there", () => {
  it("is asked once whether it is ready, and proves its key", async () => {
    expect(await wait({ connection: connection() }).ended).toMatchObject({
      status: 0,
      stdout: `${bare(machine.hostKey)}\n`,
    });
    expect(machine.commands).toHaveLength(1);
    expect(machine.commands[0]?.stdin).toBe("");
  });

  it("with another host key is refused at once, with both keys and what to do", async () => {
    const { publicKey } = newSshKeys("other");
    const { status, stdout, stderr } = await wait({ connection: connection({ hostKey: publicKey }) }).ended;
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    for (const key of [machine.hostKey, publicKey]) {
      expect(stderr).toContain(bare(key));
      expect(stderr).toContain(fingerprint(key));
    }
    expect(stderr).toContain("/etc/ssh/ssh_host_ed25519_key.pub");
    expect(machine.commands).toEqual([]);
  });

  it("that refuses the login is told at once", async () => {
    const { privateKey } = newSshKeys("other");
    const { status, stderr } = await wait({ connection: connection({ privateKey }) }).ended;
    expect(status).toBe(1);
    expect(stderr).toContain("does not let admin in");
  });

  it("that is not ready says why", async () => {
    machine.react = () => ({ status: 1, stderr: "the login admin needs root's rights\n" });
    const { status, stderr } = await wait({ connection: connection() }).ended;
    expect(status).toBe(1);
    expect(stderr).toBe("error: the login admin needs root's rights\n");
  });

  it("that does not answer is waited for, and told what for", async () => {
    await machine.close();
    const waiting = wait({ connection: connection() });
    await waiting.told(`waiting for 127.0.0.1, port ${machine.port}`);
    await machine.listen(machine.port);
    const { status, stderr } = await waiting.ended;
    expect(status).toBe(0);
    expect(stderr).toContain("of 300 s: connect ECONNREFUSED");
    expect(stderr).not.toContain("Dial");
  });

  it("never shows the private key", async () => {
    const { stdout, stderr } = await wait({ connection: connection({ hostKey: newSshKeys("x").publicKey }) }).ended;
    expect(stdout + stderr).not.toContain(machine.privateKey.split("\n")[2]);
  });
});

describe("a new machine", () => {
  const next = newSshKeys("next");
  const newMachine = (more: Partial<NonNullable<ExpectedMachine["newMachine"]>> = {}) => ({
    instanceId: INSTANCE,
    bootHostKey: machine.hostKey,
    hostPrivateKey: next.privateKey,
    ...more,
  });
  const scripts = () => machine.commands.map(({ stdin }) => stdin);

  it("that shows the key of its user data is asked for its instance, and given the key that is to stay", async () => {
    const waiting = wait({ connection: connection({ hostKey: next.publicKey }), newMachine: newMachine() });
    // This machine does not take the key: what it shows is not enough for good.
    await waiting.told(`its SSH host key is now ${fingerprint(next.publicKey)}`);
    waiting.stop();
    expect((await waiting.ended).stdout).toBe("");
    expect(scripts().slice(0, 2)).toEqual([INSTANCE, next.privateKey]);
  });

  it("that shows the key it is to have is left with it", async () => {
    const { status, stdout } = await wait({
      connection: connection(),
      newMachine: newMachine({ bootHostKey: next.publicKey }),
    }).ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${bare(machine.hostKey)} ${INSTANCE}\n` });
    expect(scripts()).toEqual([INSTANCE]);
  });

  it("that shows the key it proved the last time is given the new one", async () => {
    const expected = {
      connection: connection({ hostKey: next.publicKey }),
      newMachine: newMachine({ bootHostKey: newSshKeys("boot").publicKey }),
    };
    const waiting = wait(expected, `${bare(machine.hostKey)} ${INSTANCE}`);
    await waiting.told("its SSH host key is now");
    waiting.stop();
    await waiting.ended;
    expect(scripts().slice(0, 2)).toEqual([INSTANCE, next.privateKey]);
  });

  it.each([
    ["the instance before it proved", "i-00000000000000000", newSshKeys("boot").publicKey],
    ["its user data brought, once it has proved another", INSTANCE, machine.hostKey],
  ])("is sent nothing where it shows the key that %s", async (_, instance, bootHostKey) => {
    const expected = { connection: connection({ hostKey: next.publicKey }), newMachine: newMachine({ bootHostKey }) };
    const former = instance === INSTANCE ? newSshKeys("former").publicKey : machine.hostKey;
    const waiting = wait(expected, `${bare(former)} ${instance}`);
    await waiting.told("another machine answers there");
    waiting.stop();
    await waiting.ended;
    expect(machine.commands).toEqual([]);
  });

  it("is waited for while its address leads to another instance: nothing but the question is sent there", async () => {
    let asked = 0;
    machine.react = () =>
      asked++ < 2 ? { status: 75, stderr: "the address leads to i-00000000000000000, not to it yet\n" } : {};
    const waiting = wait({ connection: connection(), newMachine: newMachine() });
    await waiting.told("the address leads to i-00000000000000000, not to it yet");
    expect((await waiting.ended).status).toBe(0);
    expect(scripts()).toEqual([INSTANCE, INSTANCE, INSTANCE]);
  });

  it("is waited for while its address leads to a machine with another host key: nothing is sent there", async () => {
    const expected = {
      connection: connection({ hostKey: next.publicKey }),
      newMachine: newMachine({ bootHostKey: newSshKeys("boot").publicKey }),
    };
    const waiting = wait(expected);
    await waiting.told(`another machine answers there, with the host key ${fingerprint(machine.hostKey)}`);
    waiting.stop();
    await waiting.ended;
    expect(machine.commands).toEqual([]);
  });
});
