import { addresses } from "../topology";
import { until } from "../process";
import { breaking, holds, onMachine, type Flow, type Row } from "./flow";

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

export const failure: Flow = {
  title: "provider lost",
  async observe(scenario) {
    const { lab } = scenario;
    const vpn = lab.clients.vpn;
    await onMachine(scenario, "systemctl kill -s KILL wg-gateway-exit@vpn; systemctl stop wg-gateway-exit@vpn");
    const internet = await lab.hosts.internet.capture("any", `inbound and (${SEEN})`);
    const questions = lab.dns.queries().length;
    const undisturbed = lab.clients.direct.host.run(["ping", "-n", "-q", "-i", "0.02", "-c", "200", addresses.web], {
      timeout: 20_000,
    });
    const arguments_ = [addresses.web, addresses.upstreams[0], "10.4.0.1", String(COUNT), String(RATE), String(PORT)];
    const sent = (await vpn.host.must(["python3", "-c", PROBES, ...arguments_], { timeout: 60_000 })).trim();
    const direct = await undisturbed;
    const own = new Set<string>([addresses.web, ...addresses.upstreams]);
    // The direct client's pings pass here too, with another identifier than the probes'.
    const leaked = (await internet.stop()).filter(
      (line) =>
        !own.has(/ IP (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? "") &&
        (!line.includes("ICMP") || line.includes(`id ${0x4242}`)),
    );
    const asked = lab.dns
      .queries()
      .slice(questions)
      .filter(({ name }) => name.startsWith(MARK));
    const rows: Row[] = [
      holds("probes sent by the VPN client", "1000 or more", Number(sent) >= 1000, sent),
      holds(
        "probes seen outside",
        "0",
        leaked.length === 0 && internet.dropped === 0,
        leaked.length === 0 ? "0" : `${leaked.length}: ${leaked[0]}`,
      ),
      holds("its questions at the DNS upstreams", "0", asked.length === 0, String(asked.length)),
      holds(
        "direct client's packets lost meanwhile",
        "0",
        / 0% packet loss/.test(direct.stdout),
        /(\S+) packet loss/.exec(direct.stdout)?.[1] ?? direct.stdout,
      ),
    ];
    await onMachine(scenario, "systemctl start wg-gateway-exit@vpn");
    const began = Date.now();
    const back = await until("the VPN client is back", 30_000, async () => {
      const seen = await vpn.fetch(`http://${addresses.web}/`, { timeout: 1000 }).catch(() => "");
      return seen.trim() || undefined;
    }).catch(() => "no answer");
    rows.push(
      holds(
        "after release, web server sees",
        addresses.provider,
        back === addresses.provider,
        `${back} (${((Date.now() - began) / 1000).toFixed(1)} s)`,
      ),
    );
    return rows;
  },
  control: breaking(
    "the rules for the marks lost, and the chains open",
    `ip rule del priority 200; ip rule del priority 201
     nft insert rule inet wg_gateway forward_from_clients ip saddr 10.4.0.128/25 accept
     nft insert rule inet wg_gateway filter_postrouting accept; conntrack -F`,
  ),
};
