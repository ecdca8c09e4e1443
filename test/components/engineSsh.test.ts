import { afterEach, beforeEach, expect, it } from "vitest";
import { type Connection, runRemote } from "../../lab/engine/ssh";
import { SshServer } from "./sshServer";

let machine: SshServer;
let lines: string[] = [];

beforeEach(async () => {
  machine = new SshServer();
  lines = [];
  await machine.listen();
});
afterEach(() => machine.close());

function run(change: Partial<Connection> = {}, stdin = "") {
  const { hostKey, privateKey, port } = machine;
  const connection = { host: "127.0.0.1", port, user: "admin", hostKey, privateKey, dialErrorLimit: 0, ...change };
  const onLine = (stream: string, line: string) => void lines.push(`${stream}: ${line}`);
  return runRemote(connection, { command: "do it", stdin, onLine });
}

it("sends standard input whole and hands both streams back, line by line as they come", async () => {
  machine.react = () => ({ stdout: "one\ntwo\n", stderr: "careful\nend" });
  const stdin = "x".repeat(3_000_000);
  expect(await run({}, stdin)).toEqual({ stdout: "one\ntwo", stderr: "careful\nend" });
  expect(machine.commands).toEqual([{ command: "do it", stdin }]);
  expect(lines.filter((line) => line.startsWith("stdout"))).toEqual(["stdout: one", "stdout: two"]);
  expect(lines.filter((line) => line.startsWith("stderr"))).toEqual(["stderr: careful", "stderr: end"]);
});

it("sends nothing to a machine with another host key, and does not try again", async () => {
  const { hostKey } = new SshServer();
  await expect(run({ hostKey, dialErrorLimit: 60 })).rejects.toThrow("another host key");
  expect(machine.commands).toEqual([]);
  expect(machine.attempts).toBe(1);
});

it("asks for a host key", async () => {
  await expect(run({ hostKey: undefined })).rejects.toThrow("hostKey");
  expect(machine.attempts).toBe(0);
});

it("waits for a machine that is still starting", async () => {
  const { port } = machine;
  await machine.close();
  const late = new Promise((resolve) => setTimeout(() => resolve(machine.listen(port)), 400));
  await run({ port, dialErrorLimit: 10 });
  await late;
  expect(machine.commands).toHaveLength(1);
});

it("gives up after as many failed attempts as it may make", async () => {
  const { privateKey } = new SshServer();
  await expect(run({ privateKey, dialErrorLimit: 2 })).rejects.toThrow(/after 2 failed attempts: .*authentication/);
  expect(machine.attempts).toBe(3);
});

it("says that a private key is none without showing it", async () => {
  const error = await run({ privateKey: "sixteen-horses" }).catch((thrown: Error) => thrown.message);
  expect(error).toContain("private key");
  expect(error).not.toContain("sixteen-horses");
});

it("shows the end of what a failing command said, and neither the command nor its input", async () => {
  machine.react = () => ({ stdout: Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join(""), status: 7 });
  const error = await run({}, "sixteen-horses").catch((thrown: Error) => thrown.message);
  expect(error).toMatch(/^the command ended with status 7:\nline 80\n[^]*line 99$/);
  expect(error).not.toContain("do it");
  expect(error).not.toContain("sixteen-horses");
});
