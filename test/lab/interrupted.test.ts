import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, expect, test } from "vitest";
import { Lab } from "../../lab/lab";
import { findMachines } from "../../lab/nspawn";
import { standingNamespaces } from "../../lab/network";
import { argumentsOf, findProcesses, until } from "../../lab/process";
import { stateDir } from "../../lab/state";

afterAll(() => Lab.clear());

const mounts = () =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes("wg-gateway-lab"));
const left = () => ({
  namespaces: standingNamespaces(),
  machines: findMachines(stateDir).length,
  mounts: mounts(),
  state: existsSync(stateDir) ? readdirSync(stateDir) : [],
});
const nothing = { namespaces: [], machines: 0, mounts: [], state: [] };

/** Whether the lab has come far enough to have something to leave behind. */
const begun = () => standingNamespaces().length > 0;

test.each([
  ["SIGKILL", 0],
  ["SIGKILL", 1500],
  ["SIGKILL", 6000],
  ["SIGINT", 4000],
] as const)(
  "a lab ended by %s, %i ms after it began to stand, leaves no trace: of itself, or after SIGKILL by the next",
  async (signal, after) => {
    const child = spawn(process.execPath, ["--import", "tsx", join("lab", "main.ts"), "start"], { stdio: "ignore" });
    const ended = once(child, "close");
    while (!begun() && child.exitCode === null) await delay(5);
    await delay(after);
    child.kill(signal);
    await ended;
    if (signal === "SIGKILL") {
      expect(left()).not.toEqual(nothing);
      await Lab.clear();
    }
    expect(left()).toEqual(nothing);
  },
);

test("a lab whose caller is ended, as npm's shell is, leaves no trace", async () => {
  const caller = spawn("sh", ["-c", "bash lab/setup.sh lab/main.ts start; true"], { stdio: "ignore" });
  await until("the lab stands", 30_000, begun);
  caller.kill("SIGTERM");
  await until("nothing is left", 20_000, () => isDeepStrictEqual(left(), nothing));
});

test.each(["SIGTERM", "SIGKILL"] as const)("what runs in a box ends with its script, ended by %s", async (signal) => {
  const inside = () => findProcesses((pid) => argumentsOf(pid).join(" ") === "sleep 4242").length;
  const script = spawn("bash", ["lab/box.sh", `ends-${signal}`, "sleep", "4242"], { stdio: "ignore" });
  await until("the box stands", 5000, () => inside() === 1);
  script.kill(signal);
  await until("nothing runs in it", 5000, () => inside() === 0);
});
