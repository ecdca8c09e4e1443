import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "./host";
import { minimalUserData } from "./keys";
import type { Lab } from "./lab";
import type { Machine, Place } from "./machine";
import { App } from "./services";
import { addresses, type HostName, links } from "./topology";

/** A machine of the internet, with all of its link's addresses. */
function publicPlace(host: HostName): Place {
  const link = links.find((one) => one.host === host)!;
  return {
    host,
    address: link.addresses[0]!.split("/")[0]!,
    uplink: [
      "[Match]",
      `Name=${link.device}`,
      "[Network]",
      ...link.addresses.map((address) => `Address=${address}`),
      `DNS=${addresses.upstreams[0]}`,
      "LinkLocalAddressing=ipv6",
      "IPv6AcceptRA=no",
      "[Route]",
      `Gateway=${link.via[0]}`,
      "GatewayOnLink=yes",
      "",
    ].join("\n"),
  };
}

export const endpointPlaces = { a: publicPlace("endpoint-a"), b: publicPlace("endpoint-b") } as const;

/** The document's endpoints in an open lab: two machines, the service on B, and a stranger. */
export interface Endpoints {
  readonly a: Machine;
  readonly b: Machine;
  /** What is asked at app.example.com, on B. */
  readonly app: App;
  /** The stranger. */
  readonly c: Host;
}

/** Boots the endpoints' machines, starts the service on B, and has A, B and C trust its certificate. */
export async function openEndpoints(lab: Lab): Promise<Endpoints> {
  const { a, b } = lab.endpoints;
  const { keys } = lab;
  for (const machine of [a, b]) await machine.create(minimalUserData(keys), keys.user.publicKey);
  const [app] = await Promise.all([App.make(b.network()), a.boot(), b.boot()]);
  await app.start();
  for (const machine of [a, b]) trust(machine, app);
  const c = lab.hosts["endpoint-c"];
  c.setResolvers([addresses.upstreams[0]]);
  return { a, b, app, c };
}

/** Adds the lab's authority to those that a machine's programs trust. */
export function trust(machine: Machine, app: App): void {
  appendFileSync(join(machine.root, "etc/ssl/certs/ca-certificates.crt"), readFileSync(app.authority));
}
