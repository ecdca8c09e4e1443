/** A shell text whose output is the answer of CONTROL's check, asked while another one holds its lock. */
export const checkWhileLocked = (control: "gatewayctl" | "tunnelctl", lock: string): string =>
  `systemd-run --quiet --unit=deployment flock /run/lock/${lock}.lock sleep 600
   until ! flock --nonblock /run/lock/${lock}.lock true; do :; done
   ${control} check 2>/run/said & timeout 20 bash -c 'until grep -q waiting /run/said; do sleep 0.1; done'
   systemctl stop deployment; wait $!`;
