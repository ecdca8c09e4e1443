import { createHash } from "node:crypto";
import type { Plan } from "../plan/plan";
import type { GatewaySecrets } from "../secrets";
import { describeChoices } from "../plan/choices";
import { renderDirectResolver, renderLocalResolver, renderResolver } from "./dnsmasq";
import { CONFIG_DIR, type MachineFile } from "./file";
import {
  renderExitIpRules,
  renderExitRoutes,
  renderExitVariables,
  renderHostIpRules,
  renderHostRoutes,
} from "./iproute";
import { renderHostRules } from "./nftables";
import { renderSelectors, selectorFiles } from "./nftChoices";
import { renderNamespaceRules } from "./nftablesNamespace";
import { exitPath, renderCredentials, renderOpenVpn, renderRemotes } from "./openvpn";
import { renderNamespaceResolv } from "./resolv";
import { renderExitUnitDropIn } from "./systemd";
import { renderInterface, renderProviderInterface } from "./wireguard";

/** Whose release it is, and for which machine. */
export interface Target {
  /** Changes when the machine is replaced, so that the new one is set up. An EC2 instance's ID is compared by the machine. */
  readonly machine: string;
  /** `ORGANIZATION/PROJECT/STACK/RELEASE`: a machine takes no release of another owner, and loses none of its own to one. */
  readonly owner: string;
}

/** What a release is made of. */
export interface BundleParts {
  readonly plan: Plan;
  readonly secrets: GatewaySecrets;
  readonly target: Target;
  /** The fixed files of userdata/, from `installedFile`. */
  readonly fixed: readonly MachineFile[];
}

/** For status, and to see whose exit a release changes: ADDRESS NAME WAYS, a line each. */
function renderClients(plan: Plan): string {
  return plan.clients.map(({ address, name, choices }) => `${address} ${name} ${describeChoices(choices)}\n`).join("");
}

/** Every file that follows from the settings, the secret ones with mode 0600. */
export function renderFiles(plan: Plan, secrets: GatewaySecrets): MachineFile[] {
  const open = (path: string, content: string): MachineFile => ({ path, mode: "0644", content });
  const secret = (path: string, content: string): MachineFile => ({ path, mode: "0600", content });
  return [
    secret("/etc/wireguard/wg0.conf", renderInterface(plan, secrets)),
    open(`${CONFIG_DIR}/host.nft`, renderHostRules(plan)),
    open(`${CONFIG_DIR}/rules`, renderHostIpRules(plan)),
    open(`${CONFIG_DIR}/routes`, renderHostRoutes()),
    open(`${CONFIG_DIR}/clients`, renderClients(plan)),
    open(`${CONFIG_DIR}/selectors.json`, renderSelectors(plan)),
    ...(plan.metrics
      ? [open(`${CONFIG_DIR}/metrics`, `ADDRESS=${plan.wireguard.address}\nPORT=${plan.metrics.port}\n`)]
      : []),
    ...selectorFiles(plan).map(({ selector, variant, content }) =>
      open(`${CONFIG_DIR}/selectors/${selector}/${variant}`, content),
    ),
    open(`${CONFIG_DIR}/resolvers/host.conf`, renderResolver(plan, ["127.0.0.1"])),
    open(`${CONFIG_DIR}/resolvers/direct.conf`, renderDirectResolver(plan)),
    open(`${CONFIG_DIR}/resolvers/local.conf`, renderLocalResolver(plan)),
    ...plan.exits.flatMap((exit) => {
      const credentials = secrets.credentials.get(exit.name);
      return [
        open(`${CONFIG_DIR}/resolvers/${exit.name}.conf`, renderResolver(plan, [exit.hostAddress], exit.hostAddress)),
        open(`/etc/netns/${exit.namespace}/resolv.conf`, renderNamespaceResolv(exit)),
        open(`/etc/systemd/system/wg-gateway-exit@${exit.name}.service.d/namespace.conf`, renderExitUnitDropIn(exit)),
        open(exitPath(exit, "variables"), renderExitVariables(plan, exit)),
        open(exitPath(exit, "rules"), renderExitIpRules(plan, exit)),
        open(exitPath(exit, "routes"), renderExitRoutes(exit)),
        open(exitPath(exit, "namespace.nft"), renderNamespaceRules(plan, exit)),
        open(exitPath(exit, "remotes"), renderRemotes(exit)),
        exit.provider.kind === "openvpn"
          ? secret(exitPath(exit, "openvpn.conf"), renderOpenVpn(exit, exit.provider))
          : secret(exitPath(exit, "wireguard.conf"), renderProviderInterface(exit.provider)),
        ...(credentials && exit.provider.wantsCredentials
          ? [secret(exitPath(exit, "credentials"), renderCredentials(credentials))]
          : []),
      ];
    }),
  ];
}

/** The gateway's release; see {@link renderRelease}. */
export const renderBundle = ({ plan, secrets, target, fixed }: BundleParts): string =>
  renderRelease(target, [...fixed, ...renderFiles(plan, secrets)]);

/**
 * A whole release as one text, for the standard input of `gatewayctl apply` or `tunnelctl apply`: JSON `{format, owner, machine, digest, files}`,
 * where `digest` is the SHA-256 of every file's path, mode and content, each ended by a zero byte. A secret, for some files are.
 */
export function renderRelease({ machine, owner }: Target, unsorted: readonly MachineFile[]): string {
  const files = [...unsorted].sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash("sha256");
  for (const { path, mode, content } of files) hash.update(`${path}\0${mode}\0${content}\0`);
  return `${JSON.stringify({ format: 1, owner, machine, digest: hash.digest("hex"), files })}\n`;
}
