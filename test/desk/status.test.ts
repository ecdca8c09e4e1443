import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newSshKeys } from "../sshKeys";
import { SshServer } from "../components/sshServer";
import { LAPTOP_AND_PHONE, stackText, TestDesk } from "./desks";

const machine = new SshServer();
beforeAll(() => machine.listen());
afterAll(() => machine.close());
beforeEach(() => {
  machine.commands.length = 0;
  machine.react = () => ({ stdout: "release 123\n\nEXIT  HEALTH\n" });
});

/** How the machine is reached, as the stack's output says it. */
const connection = (changes: Record<string, unknown> = {}) => ({
  host: "127.0.0.1",
  port: machine.port,
  user: "admin",
  privateKey: machine.privateKey,
  hostKey: machine.hostKey,
  ...changes,
});

function desk(output: unknown, name = "connection"): TestDesk {
  const made = new TestDesk(stackText(LAPTOP_AND_PHONE));
  made.installPulumi(`
    const words = process.argv.slice(2).join(" ");
    const expected = "stack output ${name} --json --show-secrets --non-interactive --stack dev";
    if (words !== expected) { console.error("asked for " + words); process.exit(2); }
    process.stdout.write(${JSON.stringify(JSON.stringify(output))});`);
  return made;
}

describe("status", () => {
  it("is what gatewayctl says, as root", async () => {
    expect(await desk(connection()).status()).toEqual({
      out: "release 123\n\nEXIT  HEALTH",
      remarks: "",
      error: undefined,
    });
    expect(machine.commands).toEqual([
      { command: "sudo -n /usr/local/sbin/gatewayctl status --colour never", stdin: "" },
    ]);
  });

  it("is asked for without sudo by root, and for programs", async () => {
    await desk(connection({ user: "root" })).status("--json");
    expect(machine.commands.map(({ command }) => command)).toEqual(["/usr/local/sbin/gatewayctl status --json"]);
  });

  it("is asked of a replica by its name, and of none that is not there", async () => {
    const replicas = () => desk({ second: connection(), third: connection({ port: 1 }) }, "replicaConnections");
    expect((await replicas().status("--replica", "second")).out).toContain("EXIT  HEALTH");
    const { out, error } = await replicas().status("--replica", "secnd");
    expect(out).toBe("");
    expect(error).toContain('--replica is "secnd"');
    expect(error).toContain("one of second, third");
    expect(error).toContain("did you mean second?");
    expect(machine.commands).toHaveLength(1);
  });

  it("is not asked of a machine with another host key", async () => {
    const { out, error } = await desk(connection({ hostKey: newSshKeys("other").publicKey })).status();
    expect(out).toBe("");
    expect(error).toContain("shows another host key");
    expect(machine.commands).toEqual([]);
  });

  const otherKey = newSshKeys("login").privateKey;
  it.each<[string, () => unknown, string, string]>([
    ["a machine that does not answer", () => connection({ port: 1 }), "cannot be reached by SSH", "host.sshFrom"],
    [
      "a key that the machine does not know",
      () => connection({ privateKey: otherKey }),
      "does not let admin in",
      "authorized_keys",
    ],
    [
      "no key and no agent",
      () => connection({ privateKey: undefined }),
      "does not let admin in",
      "SSH_AUTH_SOCK is not set",
    ],
  ])("says what to do about %s", async (_, output, problem, mend) => {
    const { out, error } = await desk(output()).status();
    expect(out).toBe("");
    expect(error).toContain(problem);
    expect(error).toContain(mend);
    expect(error).not.toContain("PRIVATE KEY");
  });

  it("says what gatewayctl said, when that failed", async () => {
    machine.react = () => ({ stderr: "sudo: /usr/local/sbin/gatewayctl: command not found\n", status: 1 });
    const { error } = await desk(connection()).status();
    expect(error).toContain("ends with 1: sudo: /usr/local/sbin/gatewayctl: command not found");
    expect(error).toContain("pulumi up --stack dev");
  });

  it("needs the Pulumi CLI, and says so", async () => {
    expect((await new TestDesk(stackText(LAPTOP_AND_PHONE)).status()).error).toContain("no pulumi on PATH");
  });
});
