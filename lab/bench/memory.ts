import { onMachine } from "../flows/flow";
import type { Benchmark } from "./benchmark";
import { figuresOf, type Measures, type Sample } from "./figure";

/** Each unit's processes and what they have of memory, shared pages in proportion (PSS), kB: UNIT KB, a line each. */
const script = `
  for unit in wg-quick@wg0 wg-gateway-watch wg-gateway-resolver@{host,direct,local} \\
    wg-gateway-resolver@vpn wg-gateway-exit@vpn; do
    group=$(systemctl show --property=ControlGroup --value "$unit.service")
    sum=0
    for procs in /sys/fs/cgroup/{,unified/,systemd/}"$group"/cgroup.procs; do
      [[ -e $procs ]] || continue
      while read -r pid; do
        kb=$(awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup")
        sum=$((sum + kb))
      done <"$procs"
      break
    done
    echo "$unit $sum"
  done`;

const measures: Measures = Object.fromEntries(
  [
    ["wg-quick@wg0", "wireguard-go of wg0 (nothing where the kernel has WireGuard)"],
    ["wg-gateway-watch", "the watch daemon"],
    ["wg-gateway-resolver@host", "resolver of the machine itself"],
    ["wg-gateway-resolver@direct", "resolver of the direct clients"],
    ["wg-gateway-resolver@local", "resolver of the blocked"],
    ["wg-gateway-resolver@vpn", "for each exit: its resolver"],
    ["wg-gateway-exit@vpn", "for each exit: OpenVPN"],
  ].map(([unit = "", what = ""]) => [unit, { what, unit: "MB" }]),
);

/** What the gateway's own processes have of memory, when nothing passes. */
export const memory: Benchmark = {
  name: "memory",
  title: "Memory of the gateway's own processes",
  lab: "deployed",
  async run(scenario) {
    const lines = (await onMachine(scenario, script)).trim().split("\n");
    const sample: Sample = Object.fromEntries(
      lines.map((line) => line.split(" ")).map(([unit = "", kb]) => [unit, (Number(kb) * 1024) / 1e6]),
    );
    return figuresOf(measures, [sample]);
  },
};
