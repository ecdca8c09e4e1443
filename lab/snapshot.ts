import type { Machine } from "./machine";

/** The state of a machine that a gateway or a tunnel touches, each part as the text of the tool that shows it. */
export type Snapshot = Readonly<Record<string, string>>;

const PARTS: Readonly<Record<string, string>> = {
  links: "ip -br link | awk '{ sub(/@.*/, \"\", $1); print $1, $2 }' | sort",
  rules: "ip rule show",
  // A link-local address is another one after a reboot.
  routes: "ip route show table all | grep -v ' expires ' | sed 's/fe80::[0-9a-f:]* dev/fe80::x dev/' | sort",
  // Less the number that the kernel gives each one.
  namespaces: "ip netns list | awk '{ print $1 }' | sort",
  "nft rules": "command -v nft >/dev/null && nft -s list ruleset || true",
  sysctls:
    "sysctl -a 2>/dev/null | grep -E '^net\\.ipv[46]\\.(ip_forward|conf\\.[^.]+\\.(rp_filter|forwarding|disable_ipv6|src_valid_mark)) '",
  units: "systemctl list-unit-files --no-legend --no-pager | awk '{ print $1, $2 }' | sort",
  "running services":
    "systemctl list-units --type=service --state=running --no-legend --no-pager --plain | awk '{ print $1 }' | grep -v '^user@' | sort",
  packages: "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | sort",
  "files of ours":
    "find / -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /var/tmp -o -path /var/lib/apt -o -path /var/cache \\) -prune -o " +
    "\\( -iname '*wg-gateway*' -o -iname '*wg-tunnel*' -o -path '/etc/netns/*' -o -path '/etc/wireguard/*' -o -name 'openvpn-ns*' -o -name gatewayctl -o -name tunnelctl \\) -print | sort; " +
    "ls -d /run/wg-gateway* /run/wg-tunnel* /etc/systemd/networkd.conf.d 2>/dev/null || true",
};

/** Reads a machine's state. @throws CommandError when the machine is off */
export async function snapshot(machine: Machine): Promise<Snapshot> {
  const parts: Record<string, string> = {};
  // Exits with the state's number, such as "degraded"; here only the waiting counts.
  await machine.exec(["systemctl", "is-system-running", "--wait"], { timeout: 60_000 });
  for (const [name, script] of Object.entries(PARTS))
    parts[name] = await machine.must(["bash", "-c", script], { timeout: 60_000 });
  return parts;
}

/** The lines that differ, as a diff shows them: "rules: + 100: from ...". */
export function differences(before: Snapshot, after: Snapshot): string[] {
  return Object.keys(PARTS).flatMap((name) => {
    const [old, now] = [before, after].map((shot) => (shot[name] ?? "").split("\n").filter(Boolean)) as [
      string[],
      string[],
    ];
    return [
      ...old.filter((line) => !now.includes(line)).map((line) => `${name}: - ${line}`),
      ...now.filter((line) => !old.includes(line)).map((line) => `${name}: + ${line}`),
    ];
  });
}
