import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { firstOf } from "./firewalls";
import { until } from "./process";
import { ProviderServer } from "./provider";
import type { WireGuardProvider } from "./topology";

/** A provider's WireGuard server. `refuseCredentials` takes the customer's key out: at once, and without an answer. */
export class WireGuardServer extends ProviderServer<WireGuardProvider> {
  // Also where the kernel has WireGuard: a process can be killed.
  protected override readonly program = "wireguard-go";
  protected override readonly profileName = "wg.conf";

  protected override async serve(): Promise<void> {
    const { tunnel, tunnel6 } = this.provider;
    const socket = join(this.host.runDir, "wireguard", "wg0.sock");
    rmSync(socket, { force: true }); // a killed one leaves it
    const service = this.host.spawn(["wireguard-go", "--foreground", "wg0"]);
    await until(`${this.host.name}: wireguard-go listens`, 5000, () => {
      if (!service.running) throw new Error("it ended: see its log");
      return existsSync(socket);
    });
    const input = `
      wg setconf wg0 ${this.serverFile(this.refused)}
      ip address add ${firstOf(tunnel)}/24 dev wg0
      ip address add ${tunnel6}1/64 dev wg0 nodad
      ip link set wg0 up mtu 1420`;
    await this.host.must(["sh", "-eu"], { input });
  }

  protected override async prepare(): Promise<void> {
    const make =
      "s=$(wg genkey); c=$(wg genkey); echo $s $c $(echo $s | wg pubkey) $(echo $c | wg pubkey) $(wg genpsk)\n";
    const keys = (await this.host.must(["sh", "-eu"], { input: make })).trim().split(" ");
    const [ownPrivate, customersPrivate, ownPublic, customersPublic, preshared] = keys;
    const { address, port, tunnel, tunnel6 } = this.provider;
    const [customer, customer6] = [tunnel.replace(/\d+$/, "2"), `${tunnel6}2`];
    const server = `[Interface]\nPrivateKey = ${ownPrivate}\nListenPort = ${port}\n`;
    const peer = `
[Peer]
PublicKey = ${customersPublic}
PresharedKey = ${preshared}
AllowedIPs = ${customer}/32, ${customer6}/128
`;
    writeFileSync(this.serverFile(true), server, { mode: 0o600 });
    writeFileSync(this.serverFile(false), server + peer, { mode: 0o600 });
    // As commercial providers hand it out.
    const profile = `[Interface]
# Device: Quiet Otter
PrivateKey = ${customersPrivate}
Address = ${customer}/32,${customer6}/128
DNS = ${firstOf(tunnel)}

[Peer]
PublicKey = ${ownPublic}
PresharedKey = ${preshared}
AllowedIPs = 0.0.0.0/0,::/0
Endpoint = ${address}:${port}
`;
    writeFileSync(this.profilePath, profile, { mode: 0o600 });
  }

  protected override async accountChanged(refused: boolean): Promise<void> {
    if (this.service) await this.host.must(["wg", "syncconf", "wg0", this.serverFile(refused)]);
  }

  /** The server's configuration, without the customer's key while that is refused. */
  private serverFile(refused: boolean): string {
    return join(this.folder, refused ? "server-refusing.conf" : "server.conf");
  }
}
