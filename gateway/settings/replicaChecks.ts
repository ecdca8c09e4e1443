import type { Report } from "./fault";
import type { GatewayHostSettings, Shape } from "./schema";
import { checkUnique, type Said } from "./unique";

/** A machine of the gateway, and where its settings stand. */
export interface GatewayMachine {
  readonly key: string;
  readonly host: GatewayHostSettings;
}

/** All machines of the gateway, the first one's and its replicas'. */
export const gatewayMachines = (host: Shape["host"], replicas: Shape["replicas"]): GatewayMachine[] => [
  ...(host ? [{ key: "host", host }] : []),
  ...replicas.map((replica, index) => ({ key: `replicas[${index}].host`, host: replica.host })),
];

/** Where machines that are there already stand. */
export const addressesOf = (machines: readonly GatewayMachine[]): Said[] =>
  machines.flatMap(({ key, host }) =>
    host.kind === "existing" ? [{ key: `${key}.address`, value: host.address }] : [],
  );

/** Checks replicas against each other, and against what one machine alone can have. */
export function checkReplicas(
  { replicas, host }: Pick<Shape, "replicas" | "host">,
  { clients, published }: Partial<Pick<Shape, "clients" | "published">>,
  report: Report,
): void {
  checkUnique(
    replicas.map(({ name }, index) => ({ key: `replicas[${index}].name`, value: name })),
    "a name that no other replica has",
    "choose another name",
    report,
  );
  checkUnique(
    addressesOf(gatewayMachines(host, replicas)),
    "a machine of its own for each gateway",
    "take the replica out, or name another machine",
    report,
  );
  if (replicas.length === 0) return;
  if (published?.addresses)
    report(
      "published.addresses",
      published.addresses.join(", "),
      "nothing where there are replicas: each machine has the address of its own host",
      "take it out",
    );
  clients?.forEach(({ tunnel }, index) => {
    if (tunnel === "transparent")
      report(
        `clients[${index}].tunnel`,
        tunnel,
        '"full" or "internal" where there are replicas: a profile knows the public address of one gateway alone',
        'give it "internal"; what the gateways publish is at their WireGuard address',
      );
  });
}
