import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Lab } from "../../lab/lab";
import { findMachines } from "../../lab/nspawn";
import { standingNamespaces } from "../../lab/network";
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
