import type { WireGuardClient } from "../client";
import { recreateHost } from "../network";
import { until } from "../process";
import { settled } from "../scenario";
import { addresses } from "../topology";
import type { Benchmark } from "./benchmark";
import { figuresOf, type Sample } from "./figure";

/**
 * Seconds until an echo comes back. The client begins anew each time: one that was connected waits for WireGuard's own timers, up to
 * 15 s after its first packet, whatever the gateway does.
 */
async function firstEcho(client: WireGuardClient, profile: string, since: number): Promise<number> {
  return until("an echo comes back", 90_000, async () => {
    await client.down();
    await client.up(profile);
    const { exitCode } = await client.host.run(["ping", "-n", "-q", "-c", "1", "-W", "0.3", addresses.web]);
    return exitCode === 0 && (Date.now() - since) / 1000;
  });
}

/** From power to a packet's way out and back. */
export const reboot: Benchmark = {
  name: "reboot",
  title: "Reboot to the first packet",
  lab: "deployed",
  async run({ rounds, say, lab, deployed }) {
    const samples: Sample[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round}`);
      await lab.machine.powerOff();
      await recreateHost("gateway");
      const began = Date.now();
      const paths = (["direct", "vpn"] as const).map(async (name) => [
        name,
        await firstEcho(lab.clients[name], deployed.outputs.clientProfiles![name]!, began),
      ]);
      const boot = lab.machine.boot().then(() => (Date.now() - began) / 1000);
      samples.push({ ssh: await boot, ...(Object.fromEntries(await Promise.all(paths)) as Sample) });
    }
    await settled(lab);
    const measures = {
      ssh: { what: "SSH answers", unit: "s" },
      direct: { what: "direct path", unit: "s" },
      vpn: { what: "VPN path", unit: "s" },
    };
    return figuresOf(measures, samples);
  },
};
