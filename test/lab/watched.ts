import { expect } from "vitest";
import type { Changes } from "../../lab/deployment";
import type { Scenario } from "../../lab/flows/flow";

/** What `gatewayctl check --json` says. */
export interface Checked {
  readonly ok: boolean;
  readonly findings: string[];
  readonly mended: string[];
}

/** Whatever its exit status. */
export async function check({ lab }: Scenario, ...words: string[]): Promise<Checked> {
  const command = ["gatewayctl", "check", "--json", ...words];
  const { stdout, exitCode } = await lab.machine.exec(command, { timeout: 90_000 });
  const said = JSON.parse(stdout) as Checked;
  expect(exitCode).toBe(said.ok ? 0 : 1);
  return said;
}

/** Hours that are not now, whenever the test runs. */
const hour = (ahead: number) => new Date(Date.now() + ahead * 3_600_000).toISOString().slice(11, 16);
/** A gateway with whatever the watch daemon and the metrics' server do. */
export const watched: Changes = {
  metrics: { from: ["direct"] },
  groups: [{ name: "any", members: ["vpn"] }],
  rules: [
    { from: "10.4.0.50", during: { from: hour(6), to: hour(7), timeZone: "UTC" }, exit: "block" },
    { from: "10.4.0.128/25", exit: "any" },
  ],
};
