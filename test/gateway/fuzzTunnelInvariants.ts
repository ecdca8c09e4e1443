import type { EndpointPlan } from "../../gateway/plan/tunnel";
import { planTunnel } from "../../gateway/plan/tunnel";
import { renderEndpointFiles } from "../../gateway/render/tunnel";
import type { TunnelSettings } from "../../gateway/settings/tunnelChecks";
import { allowedPaths, checkFiles, must, unique } from "./fuzzInvariants";
import { secretsOf } from "./tunnels";

const allowed = allowedPaths("tunnelctl");

/** All that a line of wg-quick's file may be. */
const wgQuickLine =
  /^(|\[(Interface|Peer)\]|(PrivateKey|Address|ListenPort|MTU|Table|FwMark|PreUp|PostUp|PostDown|PublicKey|PresharedKey|Endpoint|AllowedIPs|PersistentKeepalive) = \S.*)$/;

/** WireGuard's own packets pass the tunnel before peers' public addresses lead into it, and their inner ones come last. */
function checkOrder({ rules, peers }: EndpointPlan, { priority }: TunnelSettings): void {
  const past = rules.filter(({ table }) => table === "main");
  must(
    past.length > peers.length && past.every((rule) => rule.priority === priority),
    "a rule past the tunnel is late",
  );
  must(
    peers.every((peer) => peer.rules.length > 0 && peer.rules.every((rule) => rule.priority === priority + 1)),
    "a peer's public address is not between",
  );
  const inner = rules.filter(({ table }) => table !== "main");
  must(
    inner.every((rule) => rule.priority === priority + 2),
    "a peer's inner address does not come last",
  );
}

/** Every endpoint has each other one as a peer: by name, key, and address. */
function checkPeers(plan: EndpointPlan, plans: readonly EndpointPlan[], wgQuick: string): void {
  const others = plans.filter((other) => other !== plan);
  const known = plan.peers.map(({ name, address }) => `${name} ${address}`);
  const there = others.map(({ name, address }) => `${name} ${address.split("/")[0]}`);
  must(known.sort().join() === there.sort().join(), `${plan.name} knows ${known.join()}, not ${there.join()}`);
  const lines = wgQuick.split("\n");
  must(
    lines.every((line) => wgQuickLine.test(line)),
    `a line of wg-quick's file is none: ${lines.find((line) => !wgQuickLine.test(line))}`,
  );
  must(lines.filter((line) => line === "[Peer]").length === others.length, "a peer is not in wg-quick's file");
  unique(
    "peers' keys",
    lines.filter((line) => line.startsWith("PublicKey")),
  );
}

/** Plans and renders a tunnel that was taken. @returns what nft would load @throws when something that must always hold does not */
export function keepsTunnelInvariants(tunnel: TunnelSettings): readonly string[] {
  const hosts = tunnel.endpoints.map(({ name }, index) => [name, { address: `198.51.100.${20 + index}` }]);
  const plans = planTunnel(tunnel, Object.fromEntries(hosts) as Record<string, { address: string }>);
  unique(
    "inner addresses",
    plans.map(({ address }) => address.split("/")[0]),
  );
  return plans.flatMap((plan) => {
    const files = renderEndpointFiles(plan, secretsOf(plan));
    checkFiles(files, allowed);
    checkOrder(plan, tunnel);
    checkPeers(plan, plans, files.find(({ path }) => path.startsWith("/etc/wireguard/"))?.content ?? "");
    return files.filter(({ path }) => path.endsWith(".nft")).map(({ content }) => content);
  });
}
