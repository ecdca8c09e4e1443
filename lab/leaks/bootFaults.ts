import { kinds } from "../probes";
import { until } from "../process";
import type { Fault } from "./fault";
import { names, type Scene } from "./scene";
import { everybody } from "./tunnelFaults";

const FORWARDING = "/etc/sysctl.d/10-forwarding.conf";
const UNIT = "/etc/systemd/system/wg-gateway-firewall.service.d";

/** From the next boot on it forwards, and wg0-up.sh waits at its first command: wg0 is up, and nothing was done of what comes after. */
const HOLD = `echo net.ipv4.ip_forward=1 >${FORWARDING}
touch /var/lib/held
cat >/usr/local/bin/nft <<'EOF'
#!/bin/sh
case "$1 $2" in "list table") while [ -e /var/lib/held ]; do sleep 0.05; done ;; esac
exec /usr/sbin/nft "$@"
EOF
chmod 755 /usr/local/bin/nft`;

/** Reboots the machine, with the providers silent; resolves when it is held and has shaken hands with every client. */
async function boot(scene: Scene, prepare = ""): Promise<void> {
  await scene.silence(true);
  await scene.on(`${HOLD}\n${prepare}`);
  await scene.lab.machine.reboot();
  await until("every client shakes hands", 60_000, async () => {
    const shown = await scene.on("wg show wg0 latest-handshakes || true");
    return [...shown.matchAll(/\t[1-9]\d*$/gm)].length === names.length;
  });
}

/** Lets the boot go on, and then, when the rules have stood for a while, the exits come up. */
async function goOn(scene: Scene, undo = ""): Promise<void> {
  await scene.on("rm /var/lib/held");
  await scene.probers.direct.answered();
  await scene.probers.vpn.more(1000);
  await scene.on(`rm /usr/local/bin/nft ${FORWARDING}\n${undo}`);
  await scene.silence(false);
}

const common = { concerns: everybody, back: "unit, provider" } as const;

/** The machine boots, forwarding from its start. */
export const bootFaults: readonly Fault[] = [
  {
    title: "control: boot without wg-gateway-firewall, held before wg0-up.sh shuts, too",
    // Masked, the unit would keep wg0 away, which requires it: so it runs, and does nothing.
    make: (scene) =>
      boot(scene, `mkdir ${UNIT}; printf '[Service]\\nExecStart=\\nExecStart=true\\n' >${UNIT}/none.conf`),
    // No resolver runs yet, and a running TCP connection has been given up meanwhile.
    shows: kinds.filter((kind) => !["ipv6", "tcp running", "dns gateway"].includes(kind)),
    mend: (scene) => goOn(scene, `rm -r ${UNIT}; systemctl daemon-reload`),
    ...common,
  },
  {
    title: "boot, held before wg0-up.sh, then with the providers silent",
    make: (scene) => boot(scene),
    mend: (scene) => goOn(scene),
    ...common,
  },
];
