import * as pulumi from "@pulumi/pulumi";
import { deriveKey, pairKey, type WireGuardKeys, wireGuardKeys } from "../gateway/keys";
import { planTunnel } from "../gateway/plan/tunnel";
import { renderRelease } from "../gateway/render/bundle";
import { renderEndpointFiles } from "../gateway/render/tunnel";
import type { TunnelSettings } from "../gateway/settings/tunnelChecks";
import type { Host } from "./host";
import { fixedFiles, ownerOf, release } from "./release";
import { secretText } from "./secretText";

export interface TransparentTunnelArgs {
  /** Checked ones; see `tunnels` in the settings. */
  readonly settings: TunnelSettings;
  /** By the endpoint's name: where each of them is. */
  readonly hosts: Readonly<Record<string, Host>>;
}

/** One end of a tunnel, as the others see it. */
export interface EndpointOutput {
  /** Public address, or name, of its machine. */
  readonly address: string;
  /** Its WireGuard address. */
  readonly tunnelAddress: string;
  readonly publicKey: string;
  /** By which the others reach it through the tunnel while it is up. */
  readonly publicAddresses: readonly string[];
}

/**
 * Hosts that reach each other's public addresses through WireGuard while it is up, and over the internet while it is not. Its keys are
 * made once and stay; each host gets a release of its own.
 */
export class TransparentTunnel extends pulumi.ComponentResource {
  /** By the endpoint's name. */
  readonly endpoints: pulumi.Output<Record<string, EndpointOutput>>;

  constructor(name: string, { settings, hosts }: TransparentTunnelArgs, options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:TransparentTunnel", name, {}, options);
    const secret = (what: string, keyVersion: number, protect = false) =>
      secretText(`${name}-${what}`, { keyVersion }, { parent: this, protect });
    const keys: pulumi.Output<Record<string, WireGuardKeys>> = pulumi.secret(
      pulumi
        .all(
          Object.fromEntries(
            settings.endpoints.map((one) => [one.name, secret(`${one.name}-key`, one.keyVersion, one.host.protect)]),
          ),
        )
        .apply((secrets) =>
          Object.fromEntries(
            Object.entries(secrets).map(([one, text]) => [one, wireGuardKeys(deriveKey(text, "private key"))]),
          ),
        ),
    );
    const pairs = secret("preshared-keys", 1);
    // Who has new keys shares other ones, too.
    const inPairs = new Map(settings.endpoints.map((one) => [one.name, `${one.name}/${one.keyVersion}`]));
    const addresses = pulumi.all(
      Object.fromEntries(
        Object.entries(hosts).map(([one, { address }]) => [one, address.apply((at) => ({ address: at }))]),
      ),
    );
    const plans = addresses.apply((at) => planTunnel(settings, at));

    const fixed = fixedFiles("tunnel");
    for (const { name: own } of settings.endpoints) {
      const host = hosts[own];
      if (host === undefined) throw new Error(`endpoint ${own} has no host`);
      const bundle = pulumi.all([host.identity, plans, keys, pairs]).apply(([machine, all, known, shared]) => {
        const plan = all.find((one) => one.name === own);
        const mine = known[own];
        if (!plan || !mine) throw new Error(`endpoint ${own} has no plan`);
        const peers = plan.peers.map(({ name: peer }) => {
          const presharedKey = pairKey(shared, inPairs.get(own) ?? own, inPairs.get(peer) ?? peer);
          return [peer, { publicKey: known[peer]?.publicKey ?? "", presharedKey }] as const;
        });
        const files = renderEndpointFiles(plan, { privateKey: mine.privateKey, peers: new Map(peers) });
        return renderRelease({ machine, owner: ownerOf(`${name}-${own}`) }, [...fixed, ...files]);
      });
      release(`${name}-${own}-apply`, { host, bundle, remove: "remove-tunnel.sh" }, this);
    }

    this.endpoints = pulumi.all([addresses, plans, pulumi.unsecret(keys)]).apply(([at, all, known]) =>
      Object.fromEntries(
        all.map((plan): [string, EndpointOutput] => [
          plan.name,
          {
            address: at[plan.name]?.address ?? "",
            tunnelAddress: plan.address.split("/")[0] ?? "",
            publicKey: known[plan.name]?.publicKey ?? "",
            publicAddresses: plan.publicAddresses,
          },
        ]),
      ),
    );
    this.registerOutputs({ endpoints: this.endpoints });
  }
}
