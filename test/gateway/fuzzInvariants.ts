import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FALLBACK_RULE_PRIORITY, MARK_MASK } from "../../gateway/plan/ids";
import { atAddress, planGateway, type Plan } from "../../gateway/plan/plan";
import { renderFiles } from "../../gateway/render/bundle";
import type { MachineFile } from "../../gateway/render/file";
import { wireGuardKeys } from "../../gateway/keys";
import type { GatewaySecrets } from "../../gateway/secrets";
import { intervalOf } from "../../gateway/settings/address";
import type { Credentials, Settings } from "../../gateway/settings/schema";
import { trace } from "./nftTrace";
import { loaded, packetOf, possibleWays, type Traffic } from "./ruleOracle";
import { SMUGGLED } from "./fuzzMutations";

/** The paths that the machine lets a bundle write: the pieces of the pattern in place.py, joined as Python joins them. */
export function allowedPaths(of: "gatewayctl" | "tunnelctl" = "gatewayctl"): RegExp {
  const source = readFileSync(join(__dirname, "../../userdata", of, "place.py"), "utf8");
  const pattern = /^ALLOWED = re\.compile\(\n([\s\S]*?)^\)/m.exec(source)?.[1] ?? "";
  const pieces = [...pattern.matchAll(/^ +r"(.*)"$/gm)].map(([, piece]) => piece);
  if (pieces.length === 0) throw new Error("no pattern in place.py");
  return new RegExp(`^(?:${pieces.join("")})$`);
}

const allowed = allowedPaths();

export function unique(what: string, values: readonly unknown[]): void {
  if (new Set(values).size !== values.length) throw new Error(`${what} not unique: ${values.join(", ")}`);
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const secretsOf = (plan: Plan, credentials: ReadonlyMap<string, Credentials>): GatewaySecrets => ({
  serverPrivateKey: wireGuardKeys(Buffer.alloc(32, 200)).privateKey,
  clients: new Map(
    plan.clients.map(({ name, publicKey }, index) => [
      name,
      { privateKey: undefined, publicKey: publicKey ?? `key-${index}`, presharedKey: `shared-${index}` },
    ]),
  ),
  credentials,
});

/** Numbers and names are nobody else's, and where they belong. */
function checkPlan(settings: Settings, plan: Plan): void {
  const { exits, sources, ipRules } = plan;
  const marks = exits.flatMap(({ clientMark, resolverMark }) => [clientMark, resolverMark]);
  unique("marks", marks);
  must(
    marks.every((mark) => mark > 0 && (mark & MARK_MASK) === mark),
    "a mark is outside of the mask",
  );
  unique(
    "tables",
    exits.map(({ table }) => table),
  );
  must(
    exits.every(({ table }) => table >= 200 && table < 253),
    "a table is the kernel's",
  );
  // The fallback's rules are of different sources, so that several may stand at a priority.
  unique(
    "priorities",
    ipRules.map(({ priority, from }) => (priority < FALLBACK_RULE_PRIORITY ? priority : `${priority} ${from}`)),
  );
  must(
    ipRules.every(({ priority }) => priority >= 99 && priority < 32766),
    "a priority is not before main's",
  );
  unique(
    "links",
    exits.flatMap(({ hostLink, namespaceLink }) => [hostLink, namespaceLink]),
  );
  must(
    exits.every(({ hostLink, namespaceLink }) => hostLink.length < 16 && namespaceLink.length < 16),
    "a long link",
  );
  unique(
    "namespaces",
    exits.map(({ namespace }) => namespace),
  );
  unique(
    "logs",
    exits.map(({ log }) => log),
  );
  unique(
    "names",
    [...exits, ...plan.groups].map(({ name }) => name),
  );
  unique(
    "clients' names",
    plan.clients.map(({ name }) => name),
  );
  unique(
    "clients' addresses",
    plan.clients.map(({ address }) => address),
  );
  must(
    plan.clients.every(({ choices }) => choices.length > 0),
    "a client has no way",
  );
  // Every address of the clients' network has ways, once.
  const subnet = intervalOf(settings.wireguard.subnet);
  must(sources[0]?.first === subnet.first && sources.at(-1)?.last === subnet.last, "sources do not span the network");
  must(
    sources.every(({ first }, index) => index === 0 || sources[index - 1]!.last + 1 === first),
    "sources have gaps",
  );
}

/** By the uplink goes only what some rule, or the lack of one, lets go direct; no client's packet passes by another's device. */
function checkLeaks(settings: Settings, plan: Plan): void {
  const rules = loaded(plan, new Map(), "eth0");
  for (const { first, last } of plan.sources.slice(0, 12))
    for (const source of new Set([first, last]))
      for (const [protocol, port] of [
        ["tcp", 443],
        ["udp", 53],
        ["udp", 5000],
        ["icmp", undefined],
        ["gre", undefined],
      ] as const) {
        const traffic: Traffic = { source, protocol, port };
        const marked = trace(rules, "mangle_prerouting", packetOf(traffic));
        for (const mark of [marked.packet.mark, 0, 0x200]) {
          const out = trace(rules, "filter_forward", { ...marked.packet, mark, ctMark: mark, out: "eth0" });
          if (out.verdict.endsWith("accept") && !possibleWays(settings, traffic).includes("direct"))
            throw new Error(`${source} ${protocol} ${port} leaves by the uplink with the mark ${mark}`);
        }
      }
}

/** Files that hold texts of the user as they are; every reader of them takes a line as a value. */
const verbatim = /\/(credentials|openvpn\.conf)$/;

/** Where they go, who may read them, and that no text of the settings became a line of its own. */
export function checkFiles(files: readonly MachineFile[], allowed: RegExp): void {
  unique(
    "paths",
    files.map(({ path }) => path),
  );
  for (const { path, mode, content } of files) {
    must(allowed.test(path) && !path.includes(".."), `${path} is not where files of ours go`);
    must(mode === "0600" || mode === "0644", `${path} has the mode ${mode}`);
    must(verbatim.test(path) || !content.includes(SMUGGLED), `a text of the settings stands in ${path}`);
    must(!/\b(NaN|undefined|null|\[object|Infinity)\b/.test(content) || verbatim.test(path), `${path} has no value`);
  }
}

/** Plans and renders settings that were taken. @returns what nft would load. @throws when something that must always hold does not */
export function keepsInvariants(settings: Settings, credentials: ReadonlyMap<string, Credentials>): readonly string[] {
  const plan = atAddress(planGateway(settings), "203.0.113.9");
  checkPlan(settings, plan);
  const files = renderFiles(plan, secretsOf(plan, credentials));
  checkFiles(files, allowed);
  checkLeaks(settings, plan);
  return files.filter(({ path }) => path.endsWith(".nft")).map(({ content }) => content);
}
