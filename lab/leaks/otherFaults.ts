import { setTimeout as delay } from "node:timers/promises";

import type { Kind } from "../probes";
import type { Concerned, Fault } from "./fault";
import { FLUSH_RULES } from "./ruleFaults";
import { another, names, type Scene } from "./scene";
import { everybody, providers } from "./tunnelFaults";

const ofAll = (...kinds: Kind[]): Concerned => ({ direct: kinds, vpn: kinds, wg: kinds });
/** The providers' exits begin anew; the direct client's resolver, too, at times between two of its questions. */
const upgraded = {
  concerns: { ...providers, direct: ["dns gateway"] },
  bites: ["vpn", "wg"],
  back: "apply",
} as const satisfies Partial<Fault>;

/** Fills the machine's connection tracking with entries that the kernel does not give up for new ones. */
const FILL = `most=$(sysctl -n net.netfilter.nf_conntrack_max)
python3 - "$most" >/run/full <<'EOF'
import sys
for number in range(int(sys.argv[1])):
    there, port = f"10.{100 + (number >> 16)}.{number >> 8 & 255}.{number & 255}", 1024
    print(f"-A -t 600 -u SEEN_REPLY,ASSURED -s 192.0.2.1 -d {there} -r {there} -q 192.0.2.1 -p udp --sport {port} --dport 9 --reply-port-src 9 --reply-port-dst {port}")
EOF
conntrack --load-file /run/full >/dev/null 2>&1 || true
rm /run/full
(($(conntrack -C) > most * 99 / 100))`;

/** Hundreds of thousands of entries take a busy machine more than a minute. */
const AT_LENGTH = { timeout: 300_000 };

/** As Docker's, with FORWARD accepting as it does where forwarding was on already. */
const DOCKER = `
table ip filter {
  chain DOCKER-USER { }
  chain FORWARD {
    type filter hook forward priority filter; policy accept;
    jump DOCKER-USER
    oifname "docker0" ct state established,related accept
    iifname "docker0" accept
  }
}
table ip nat {
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
  }
}`;

/** As ufw's by default, with the ports of SSH and WireGuard allowed. */
const UFW = `
table ip filter {
  chain INPUT {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    tcp dport 22 accept
    udp dport 45822 accept
  }
  chain FORWARD { type filter hook forward priority filter; policy drop; ct state established,related accept; }
}`;

/** As instructions for WireGuard have it that know of one way out only. */
const INSTRUCTIONS = `
table ip filter {
  chain FORWARD { type filter hook forward priority filter - 1; policy accept; iifname "wg0" accept; oifname "wg0" accept; }
}
table ip nat {
  chain POSTROUTING { type nat hook postrouting priority srcnat - 1; policy accept; ip saddr 10.4.0.0/24 oifname "ens5" masquerade; }
}`;

const load = (rules: string): string => `nft -f - <<'EOF'\n${rules}\nEOF\n`;
const FLUSH_OTHERS = "for table in filter nat; do nft delete table ip $table 2>/dev/null || true; done";

/** A release made of the first that stood: every file that can bear a comment has one more, so that all of it is put in place anew. */
const nextRelease = (also: string): string => `
[[ -e /run/release-before.json ]] || cp /var/lib/wg-gateway/release.json /run/release-before.json
python3 - >/run/release-next.json <<'EOF'
import hashlib, json
release = json.load(open("/run/release-before.json"))
hashed = hashlib.sha256()
for file in release["files"]:
    path = file["path"]
    if path.endswith((".sh", ".py", ".nft", ".conf", ".service", ".timer", "gatewayctl")):
        file["content"] += "# the next release\\n"
    ${also}
    hashed.update(f"{path}\\0{file['mode']}\\0{file['content']}\\0".encode())
print(json.dumps({**release, "digest": hashed.hexdigest()}))
EOF
`;

/** Milliseconds: more than the queues before a tunnel's process hold, less than anybody may be without an answer. */
const STARVED = 1400;

/** What carries tunnels gets no processor, at one place of each client's way after the other. */
async function starve(scene: Scene): Promise<void> {
  const ways = names.map((name) => scene.places(name));
  const signal = (what: string) => `pkill -${what} --ns $$ --nslist net -x 'openvpn|wireguard-go' || true`;
  for (let step = 0; step < Math.max(...ways.map(({ length }) => length)); step++) {
    const places = ways.flatMap((way) => way[step] ?? []);
    await Promise.all(places.map((place) => place(signal("STOP"))));
    await delay(STARVED);
    await Promise.all(places.map((place) => place(signal("CONT"))));
    await Promise.all(names.map((name) => scene.probers[name].answered()));
  }
}

const UPGRADE = `${nextRelease("pass")}gatewayctl apply </run/release-next.json\n`;

/** Names, connection tracking, other programs of the machine, and the gateway's own changes. */
export const otherFaults: readonly Fault[] = [
  {
    title: "every resolver: KILL",
    make: "systemctl kill -s KILL 'wg-gateway-resolver@*'",
    concerns: ofAll("dns gateway"),
    back: "unit",
  },
  {
    // As on a busy machine: what is lost beside UDP has to be among what was counted.
    title: "tunnels get no processor for more than their queues hold, at each end",
    make: starve,
    concerns: ofAll("udp"),
    // The others' may be the kernel's, which waits for nobody.
    bites: ["vpn"],
    back: "nobody need",
  },
  {
    title: "connection tracking flushed in mid-flow, in the host and the namespaces",
    make: "conntrack -F; for name in vpn_ns vpn_ns_wgprov; do ip netns exec $name conntrack -F; done",
    // What is answered before the client sends again belongs to nothing that is known: it is dropped, and the machine resets direct TCP.
    takes: ["tcp", "udp", "udp running", "icmp", "dns gateway", "dns resolver"],
    concerns: { direct: ["tcp running"] },
    bites: [],
    back: "nobody need",
  },
  {
    title: "connection tracking full",
    make: ({ lab }) => lab.machine.must(["bash", "-euc", FILL], AT_LENGTH),
    // What is known goes on; a resolver asks each question from another port.
    concerns: ofAll("tcp", "udp", "icmp", "dns gateway"),
    // That it is full is seen when it is made. Entries of before expire and make room: who finds it is chance.
    bites: [],
    back: "entries go",
    // Not all: a flush takes what is known, too.
    mend: ({ lab }) => lab.machine.must(["bash", "-euc", "conntrack -D -s 192.0.2.1 >/dev/null 2>&1"], AT_LENGTH),
    within: 240,
  },
  { title: "networkd restarted", make: "systemctl restart systemd-networkd", concerns: {}, back: "nobody need" },
  {
    title: "Docker's rules come and go",
    make: load(DOCKER),
    concerns: {},
    back: "nobody need",
    mend: (scene) => scene.on(FLUSH_OTHERS),
  },
  {
    title: "ufw's rules come and go",
    make: load(UFW),
    // What is known goes on, to resolvers, too.
    concerns: ofAll("tcp", "udp", "icmp"),
    back: "ufw's rules go",
    mend: (scene) => scene.on(FLUSH_OTHERS),
  },
  {
    title: "others accept and masquerade all clients, and the ip rules are flushed",
    make: `${load(INSTRUCTIONS)}${FLUSH_RULES}`,
    concerns: providers,
    back: "timer",
    mend: async (scene) => {
      await scene.repair();
      await scene.on(FLUSH_OTHERS);
    },
  },
  {
    title: "a client added",
    make: (scene) => scene.up(another),
    concerns: {},
    back: "nobody need",
  },
  {
    title: "upgrade: every file is another",
    make: UPGRADE,
    ...upgraded,
  },
  {
    title: "rollback: the older release is deployed again",
    // After the row before there is nothing to upgrade.
    make: `${UPGRADE}gatewayctl apply </run/release-before.json`,
    ...upgraded,
  },
  {
    title: "upgrade that fails, and goes back",
    make: `${nextRelease('file["content"] += "no rule\\n" if path.endswith("host.nft") else ""')}
      if gatewayctl apply </run/release-next.json; then exit 1; fi`,
    ...upgraded,
  },
  {
    title: "wg0-down.sh, and wg0-up.sh",
    make: "/usr/local/lib/wg-gateway/wg0-down.sh",
    concerns: everybody,
    back: "wg0-up.sh",
    mend: (scene) => scene.on("/usr/local/lib/wg-gateway/wg0-up.sh"),
  },
];
