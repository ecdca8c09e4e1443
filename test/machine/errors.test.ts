import { describe, expect, it, test } from "vitest";
import { python } from "./python";

describe("a command that does not end", () => {
  it.each([
    ["run", 'machine.run("sleep", "60")', "`sleep 60` did not end within 0.2 s, and was killed"],
    ["run, whatever comes of it", 'machine.run("sleep", "60", check=False)', "`sleep 60` did not end"],
    ["succeeds", 'machine.succeeds("sleep", "60")', "`sleep 60` did not end"],
    ["a script of ours", 'machine.script("sleep", "60")', "`/bin/sleep 60` did not end"],
  ])("is an error in a line: %s", (_, call, message) => {
    const program = `
import machine
machine.COMMAND_SECONDS, machine.LIB = 0.2, "/bin"
try:
    ${call}
    result = "it ended"
except machine.Fault as fault:
    result = str(fault)`;
    expect(python(program, null)).toContain(message);
  });
});

describe.each(["gatewayctl", "tunnelctl"] as const)("%s", (program) => {
  it.each([
    ["a full disk", 'OSError(28, "No space left on device", "/run/x")', "[Errno 28] No space left on device: '/run/x'"],
    ["an error of its own", 'machine.Fault("it is so")', "it is so"],
  ])("ends with a line and status 1, not a traceback: %s", (_, error, line) => {
    const result = python(
      `
import contextlib, io, os, machine, main
def fail(*_):
    raise ${error}
main.do_status, os.geteuid = fail, lambda: 0
said = io.StringIO()
with contextlib.redirect_stderr(said):
    status = main.main(["status"])
result = [status, said.getvalue()]`,
      null,
      program,
    );
    expect(result).toEqual([1, `${program}: ${line}\n`]);
  });
});

test("a full disk is named with the file that had no room, and leaves nothing", () => {
  const program = `
import os, machine, tempfile
with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
    path = folder + "/x"
    def full(handle):
        raise OSError(28, "No space left on device")
    machine.os.fsync, kept = full, os.fsync
    try:
        machine.write(path, "text", 0o644)
    except OSError as error:
        result = [str(error).replace(folder, "/run"), os.listdir(folder)]`;
  expect(python(program, null)).toEqual(["[Errno 28] No space left on device: '/run/x'", []]);
});

test("a check that cannot be noted for the metrics is a check all the same", () => {
  const program = `
import metrics
def full(*_):
    raise OSError(28, "No space left on device", "/run/x")
said = []
metrics.write, metrics.say = full, said.append
metrics.note_check([])
result = said`;
  expect(python(program, null)).toEqual(["the metrics miss this check: [Errno 28] No space left on device: '/run/x'"]);
});
