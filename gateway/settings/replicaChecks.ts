import type { Report } from "./fault";
import { elements, having, malformed, type Parts, pick, sound } from "./parts";
import type { GatewayHostSettings, Shape } from "./schema";
import { checkUnique, type Said } from "./unique";

/** A machine of the gateway, and where its settings stand. */
export interface GatewayMachine {
  readonly key: string;
  readonly host: Parts<GatewayHostSettings>;
}

/** All machines of the gateway, the first one's and its replicas'. */
export const gatewayMachines = (host: Parts<Shape["host"]>, replicas: Parts<Shape["replicas"]>): GatewayMachine[] => [
  ...(host === undefined ? [] : [{ key: "host", host } satisfies GatewayMachine]),
  ...elements(replicas).map((replica, index): GatewayMachine => ({
    key: `replicas[${index}].host`,
    host: replica === malformed ? malformed : replica.host,
  })),
];

/** Where machines that are there already stand. */
export const addressesOf = (machines: readonly GatewayMachine[]): Said[] =>
  machines.flatMap(({ key, host }) => {
    const { address } = (typeof host === "object" && host.kind === "existing" && pick(host, "address")) || {};
    return address === undefined ? [] : [{ key: `${key}.address`, value: address }];
  });

/** Checks replicas against each other, and against what one machine alone can have. */
export function checkReplicas(
  machines: readonly GatewayMachine[],
  replicas: Parts<Shape["replicas"]>,
  clients: Parts<Shape["clients"]>,
  published: Parts<Shape["published"]>,
  report: Report,
): void {
  checkUnique(
    having(replicas, "name").map(({ name, index }) => ({ key: `replicas[${index}].name`, value: name })),
    "a name that no other replica has",
    "choose another name",
    report,
  );
  checkUnique(
    addressesOf(machines),
    "a machine of its own for each gateway",
    "take the replica out, or name another machine",
    report,
  );
  if (elements(replicas).length === 0) return;
  const addresses = typeof published === "object" ? published.addresses : undefined;
  if (addresses !== undefined)
    report(
      "published.addresses",
      sound(addresses)
        .map(({ value }) => value)
        .join(", "),
      "nothing where there are replicas: each machine has the address of its own host",
      "take it out",
    );
  for (const { index, tunnel } of having(clients, "tunnel"))
    if (tunnel === "transparent")
      report(
        `clients[${index}].tunnel`,
        tunnel,
        '"full" or "internal" where there are replicas: a profile knows the public address of one gateway alone',
        'give it "internal"; what the gateways publish is at their WireGuard address',
      );
}
