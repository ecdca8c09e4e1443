import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderRelease } from "../../gateway/render/bundle";
import { python } from "./python";

/* For which machine a release is, and whose. */

const release = (machine: string, owner: string): string => renderRelease({ machine, owner }, []);
/** A release from before there were owners. */
const unowned = (): string => release("m", "").replace('"owner":"",', "");
const instanceFile = (text: string): string => {
  const file = join(mkdtempSync(join(tmpdir(), "wg-gateway-instance-")), "instance-id");
  writeFileSync(file, text);
  return file;
};

const CHECK = `
import transaction
from bundle import Release
from machine import Fault
transaction.INSTANCE_ID = data["file"]
try:
    transaction.check_target(Release(data["next"]), Release(data["before"]) if data["before"] else None)
    result = "taken"
except Fault as fault:
    result = str(fault)`;
const check = (next: string, before: string | null, file = "/nonexistent"): string =>
  python(CHECK, { next, before, file });

const [ours, theirs] = ["organization/p/dev/gateway-release", "organization/p/other/gateway-release"];

describe("a release is taken by", () => {
  it.each<[string, string, string | null, string]>([
    ["a machine without one", release("m", ours), null, "/nonexistent"],
    ["its owner's machine", release("m", ours), release("m", ours), "/nonexistent"],
    ["a machine whose release is from before there were owners", release("m", ours), unowned(), "/nonexistent"],
    ["the instance that it is for", release("i-0123456789abcdef0", ours), null, instanceFile("i-0123456789abcdef0\n")],
    [
      "a machine that is no instance, when it is for none",
      release("198.51.100.10 ssh-ed25519 A", ours),
      null,
      instanceFile("i-1"),
    ],
  ])("%s", (_, next, before, file) => {
    expect(check(next, before, file)).toBe("taken");
  });
});

describe("a release is refused by", () => {
  it("another owner's machine, with its owner and the command that hands it over", () => {
    const message = check(release("m", theirs), release("m", ours));
    expect(message).toContain(`this machine belongs to ${ours}`);
    expect(message).toContain(`sudo gatewayctl handover ${theirs}`);
    expect(message).toContain("nothing was changed");
  });

  it.each([
    ["another instance", instanceFile("i-00000000000000000\n"), "this machine is i-00000000000000000"],
    ["a machine without an instance ID", "/nonexistent", "this machine is no EC2 instance"],
  ])("%s", (_, file, words) => {
    const message = check(release("i-0123456789abcdef0", ours), null, file);
    expect(message).toContain("the release is for i-0123456789abcdef0");
    expect(message).toContain(words);
  });

  it.each([[7], [null], [{}], [[]]])("a machine that cannot read its target: %j", (value) => {
    for (const key of ["owner", "machine"]) {
      const bent = JSON.stringify({ ...(JSON.parse(release("m", ours)) as object), [key]: value });
      expect(check(bent, null)).toContain("the release did not arrive whole");
    }
  });
});

describe("a removal", () => {
  const REMOVE = `
import transaction
from bundle import Release
transaction.stored = lambda path: Release(data["there"]) if data["there"] and path == transaction.CURRENT else None
transaction.say = lambda text: None
result = transaction.owned_by_another(data["owner"])`;
  it.each<[string, string | null, string, boolean]>([
    ["by its owner", release("m", ours), ours, false],
    ["by another owner", release("m", ours), theirs, true],
    ["by hand", release("m", ours), "", false],
    ["of a release from before there were owners", unowned(), theirs, false],
    ["where there is nothing", null, theirs, false],
  ])("%s", (_, there, owner, left) => {
    expect(python(REMOVE, { there, owner })).toBe(left);
  });
});
