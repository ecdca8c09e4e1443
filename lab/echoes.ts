import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "./host";

/** What became of echo requests that were sent while something happened. */
export interface Echoes {
  readonly sent: number;
  readonly lost: number;
}

/** Echo requests a second. */
export const PACE = 100;

/**
 * Sends echo requests from a host for as long as something takes.
 * @throws what happening throws; Error when ping did not run all the time
 */
export async function echoesMeanwhile<T>(
  from: Host,
  to: string,
  happening: () => Promise<T>,
): Promise<{ result: T; echoes: Echoes }> {
  const stop = join(from.runDir, "stop-ping");
  rmSync(stop, { force: true });
  const script = `ping -n -i ${1 / PACE} ${to} & until [ -e /run/stop-ping ]; do sleep 0.1; done; sleep 1; kill -INT $!; wait $!`;
  const pinging = from.run(["sh", "-c", script], { timeout: 300_000 });
  const result = await happening().finally(() => writeFileSync(stop, ""));
  return { result, echoes: echoesOf((await pinging).stdout) };
}

/** The same from several hosts at once. @returns of each of them, in their order, what became of its own */
export async function echoesOfEach<T>(
  [first, ...others]: readonly Host[],
  to: string,
  happening: () => Promise<T>,
): Promise<{ result: T; echoes: readonly Echoes[] }> {
  if (!first) return { result: await happening(), echoes: [] };
  const { result, echoes } = await echoesMeanwhile(first, to, () => echoesOfEach(others, to, happening));
  return { result: result.result, echoes: [echoes, ...result.echoes] };
}

/**
 * @param said by ping(8), which went on for a second after what was watched, so that the last of that time could be answered
 * @throws Error when ping did not run all the time
 */
export function echoesOf(said: string): Echoes {
  const sent = Number(/(\d+) packets transmitted/.exec(said)?.[1]) - PACE;
  if (!(sent > 0)) throw new Error(`ping did not run all the time: ${said.slice(-300)}`);
  const numbers = [...said.matchAll(/icmp_seq=(\d+) .*time=/g)].map((match) => Number(match[1]));
  const answered = new Set(numbers.filter((number) => number <= sent));
  return { sent, lost: sent - answered.size };
}
