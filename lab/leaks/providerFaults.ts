import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { must, until } from "../process";
import { addresses, namespaceOf } from "../topology";
import type { Fault } from "./fault";
import { moveProvider, type Scene } from "./scene";
import { providers, vpn } from "./tunnelFaults";

const RESTART = "systemctl restart wg-gateway-exit@vpn";
const NEXT_ADDRESS = "203.0.113.21";

/** What a provider may push, to take its customers' routes, names and addresses, or to end its client. */
const HOSTILE = [
  "redirect-gateway def1 bypass-dhcp ipv6",
  "redirect-private",
  "route 0.0.0.0 128.0.0.0 net_gateway",
  "route 128.0.0.0 128.0.0.0 net_gateway",
  `route ${addresses.web} 255.255.255.0 net_gateway`,
  "route 10.4.0.0 255.255.255.0 vpn_gateway",
  "route-gateway 10.200.1.1",
  "route-metric 0",
  `dhcp-option DNS ${addresses.upstreams[0]}`,
  "dns server 1 address 8.8.8.8",
  "block-outside-dns",
  "ifconfig-ipv6 fd00::2/64 fd00::1",
  "route-ipv6 ::/0",
  "ping-restart 0",
  "setenv PATH /tmp",
].map((option) => `push "${option}"\n`);

/** The OpenVPN provider's server with another configuration, from its start. */
async function serveWith({ lab }: Scene, change: (configuration: string) => string): Promise<void> {
  const { provider } = lab.providers;
  const path = join(provider.folder, "server.conf");
  await provider.fail();
  writeFileSync(path, change(readFileSync(path, "utf8")));
  await provider.start();
}

/** Resolves when the tunnel's log has a line that matches. */
const logSays = (scene: Scene, pattern: string): Promise<unknown> =>
  until(
    `the tunnel's log says ${pattern}`,
    30_000,
    async () => (await scene.on(`grep -cE '${pattern}' /var/log/openvpn-ns.log || true`)).trim() !== "0",
  );

/** A provider in trouble, or that makes trouble. */
export const providerFaults: readonly Fault[] = [
  {
    title: "providers silent in mid-flow",
    make: (scene) => scene.silence(true),
    concerns: providers,
    back: "provider",
    mend: (scene) => scene.silence(false),
  },
  {
    title: "provider refuses the credentials",
    make: async (scene) => {
      await scene.lab.providers.provider.refuseCredentials(true);
      await scene.on(`: >/var/log/openvpn-ns.log; ${RESTART}`);
      await logSays(scene, "AUTH_FAILED");
    },
    concerns: vpn,
    back: "provider, unit",
    mend: ({ lab }) => lab.providers.provider.refuseCredentials(false),
  },
  {
    title: "provider pushes routes, names and options",
    make: async (scene) => {
      await serveWith(scene, (configuration) => configuration + HOSTILE.join(""));
      await scene.on(`: >/var/log/openvpn-ns.log; ${RESTART}`);
      await logSays(scene, "PUSH: Received.*net_gateway.*setenv");
    },
    concerns: vpn,
    back: "unit",
  },
  {
    title: "provider gone, and back at another address",
    make: ({ lab }) => lab.providers.provider.fail(),
    concerns: vpn,
    back: "watch daemon",
    mend: async (scene) => {
      await must(["ip", "-n", namespaceOf("provider"), "address", "add", `${NEXT_ADDRESS}/32`, "dev", "eth0"]);
      await must(["ip", "-n", namespaceOf("internet"), "route", "add", NEXT_ADDRESS, "dev", "to-provider"]);
      await moveProvider(scene.lab, NEXT_ADDRESS);
      await serveWith(scene, (configuration) =>
        HOSTILE.reduce((text, line) => text.replace(line, ""), configuration).replace(
          /^local .*/m,
          `local ${NEXT_ADDRESS}`,
        ),
      );
    },
    within: 120,
  },
];
