import { addresses } from "../topology";
import { breaking, same, type Flow, type Row, type Scenario } from "./flow";

const SIZE = 50_000_000;
/** Seconds: a transfer that stands still so long is stuck; one that goes on may take longer, on a busy machine. */
const [STUCK, LONGEST] = [10, 120];
/** Fragments: more of them to come, or an offset (RFC 791). */
const FRAGMENTS = "ip[6:2] & 0x3fff != 0";
const SYN = "tcp port 80 and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn";
const SYN_ACK = "tcp port 80 and tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)";

/** The maximum segment sizes that the captured packets name. */
const sizes = (packets: readonly string[]): string =>
  [...new Set(packets.map((line) => /mss (\d+)/.exec(line)?.[1] ?? "none"))].join(" ") || "no packet";

async function transfer(scenario: Scenario, which: "direct" | "vpn"): Promise<Row[]> {
  const { lab } = scenario;
  const { host } = lab.clients[which];
  const fragments = await lab.machine.network().capture("ens5", FRAGMENTS);
  const offered = await lab.hosts.web.capture("eth0", SYN);
  const answered = await host.capture("wg0", SYN_ACK);
  const url = `http://${addresses.web}/bulk`;
  const limits = ["--speed-time", String(STUCK), "--max-time", String(LONGEST)];
  const command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}", ...limits, url];
  // What arrived is told whether all of it did or not.
  const { stdout: bytes } = await host.run(command, { timeout: (LONGEST + 10) * 1000 });
  return [
    same(`${which}: bytes received`, String(SIZE), bytes),
    same(`${which}: fragments on the uplink`, "0", String((await fragments.stop()).length)),
    same(`${which}: MSS in the SYN, at the server`, "1380", sizes(await offered.stop())),
    same(`${which}: MSS in its answer, at the client`, "1380", sizes(await answered.stop())),
  ];
}

/** A client that offers more than fits: only the clamp on the way can mend it. */
async function offerTooMuch({ lab }: Scenario, mtu: number): Promise<void> {
  for (const { host } of Object.values(lab.clients)) await host.must(["ip", "link", "set", "wg0", "mtu", String(mtu)]);
}

export const bulk: Flow = {
  title: "bulk transfer",
  async observe(scenario) {
    await offerTooMuch(scenario, 1500);
    const rows = [...(await transfer(scenario, "direct")), ...(await transfer(scenario, "vpn"))];
    await offerTooMuch(scenario, 1420);
    return rows;
  },
  control: breaking(
    "no clamping",
    `nft flush chain inet wg_gateway clamp_mss
     ip netns exec vpn_ns nft flush chain inet wg_gateway clamp_mss`,
  ),
};
