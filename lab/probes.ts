import type { Host } from "./host";
import type { Lab } from "./lab";
import { addresses } from "./topology";

/** Probes of each kind; four kinds. */
const COUNT = 300;
/** Probes a second over all kinds. */
const RATE = 400;
const PORT = 4242;
const MARK = "probe";

/**
 * Sends numbered probes as fast as told: TCP, UDP, ICMP and DNS to addresses of the internet, and DNS to the gateway.
 * Only the standard library; every kind is told apart outside by its port or its name.
 */
const PROBES = `
import os, socket, struct, sys, time
web, upstream, gateway, count, rate, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
held = []
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
def ask(server, name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    udp.sendto(struct.pack("!HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\\0\\0\\1\\0\\1", (server, 53))
sent = 0
began = time.monotonic()
for number in range(count):
    tcp = socket.socket()
    tcp.setblocking(False)
    tcp.connect_ex((web, port))
    held.append(tcp)
    if len(held) > 200: held.pop(0).close()
    udp.sendto(b"${MARK} %d" % number, (web, port))
    body = struct.pack("!BBHHH", 8, 0, 0, 0x4242, number) + b"${MARK}000"
    icmp.sendto(body[:2] + struct.pack("!H", checksum(body)) + body[4:], (web, 0))
    ask(upstream, "${MARK}-%d.example" % number)
    ask(gateway, "${MARK}-inside-%d.example" % number)
    sent += 5
    ahead = began + sent / rate - time.monotonic()
    if ahead > 0: time.sleep(ahead)
print(sent)
`;

/** What of the probes may be seen on the internet. */
const SEEN = `host ${addresses.web} and (port ${PORT} or icmp) or udp port 53 and not host ${addresses.vpcResolver}`;

/** What became of the probes. */
export interface Probed {
  readonly sent: number;
  /** The packets of them that were seen on the internet. */
  readonly leaked: readonly string[];
  /** Their questions that reached the DNS upstreams. */
  readonly asked: number;
  /** Whether the capture can be trusted: it lost no packet. */
  readonly whole: boolean;
}

/** Sends probes from a client whose exit is away, and looks for them on the internet. */
export async function probe(lab: Lab, client: Host): Promise<Probed> {
  const internet = await lab.hosts.internet.capture("any", `inbound and (${SEEN})`);
  const questions = lab.dns.queries().length;
  const words = [addresses.web, addresses.upstreams[0], "10.4.0.1", String(COUNT), String(RATE), String(PORT)];
  const sent = Number(await client.must(["python3", "-c", PROBES, ...words], { timeout: 60_000 }));
  const answers = new Set<string>([addresses.web, ...addresses.upstreams]);
  // Other clients' pings pass here too, with other identifiers than the probes', and the gateway's own look at other exits (NS? .).
  const leaked = (await internet.stop()).filter(
    (line) =>
      !answers.has(/ IP (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? "") &&
      !line.includes("NS? .") &&
      (!line.includes("ICMP") || line.includes(`id ${0x4242}`)),
  );
  const asked = lab.dns
    .queries()
    .slice(questions)
    .filter(({ name }) => name.startsWith(MARK)).length;
  return { sent, leaked, asked, whole: internet.dropped === 0 };
}
