import { NFT_TABLE } from "../plan/ids";
import type { Choice, Window } from "../plan/choices";
import type { Plan } from "../plan/plan";
import { intervalText } from "../settings/address";
import { chain } from "./nft";

/**
 * What a packet's way is decided for: `mark` sets the mark of a new connection, `forward` decides anew what may pass, without trust in
 * that mark, `dns` which resolver answers. Each leads from source to chain, and has chains of the same shape.
 */
export type Purpose = "mark" | "forward" | "dns";
const purposes: readonly Purpose[] = ["mark", "forward", "dns"];

const word = (name: string): string => name.replaceAll("-", "_");

/** The chain of a purpose in which a way ends: a name of rules, so "direct", "block", an exit or a group. */
export function endChain(plan: Pick<Plan, "groups">, purpose: Purpose, way: string): string {
  if (way === "direct" || way === "block") return `${purpose}_${way}`;
  const kind = plan.groups.some(({ name }) => name === way) ? "group" : "exit";
  return `${purpose}_${kind}_${word(way)}`;
}

/** The chain that leads a window's traffic its way while it is open, and is empty while it is closed. */
export const windowChain = (plan: Plan, purpose: Purpose, window: Window, way: string): string =>
  `${endChain(plan, purpose, way)}_${word(window.name)}`;

/** Every window with the ways it opens. */
function windowWays(plan: Plan): { window: Window; way: string }[] {
  const all = plan.sources.flatMap(({ choices }) => choices);
  const found = all.flatMap(({ window, exit }) => (window ? [{ window, way: exit }] : []));
  return found.filter(
    (one, index) => found.findIndex(({ window, way }) => window.name === one.window.name && way === one.way) === index,
  );
}

/**
 * The chains of groups and of time windows, which what is selected at the time fills (see {@link selectorFiles}). Until then a group is
 * blocked; a window that is closed, an empty chain, lets the next choice decide.
 */
export function selectedChains(plan: Plan, purpose: Purpose): string {
  const groups = plan.groups.map(({ name }) => chain(endChain(plan, purpose, name), [`goto ${purpose}_block`]));
  const windows = windowWays(plan).map(({ window, way }) => chain(windowChain(plan, purpose, window, way), []));
  return [...groups, ...windows].join("");
}

/** A variant of a selector: the rules that are loaded after the host's while it is the selected one. */
export interface SelectorFile {
  readonly selector: string;
  readonly variant: string;
  readonly content: string;
}

/** What fills the chains of windows ("open", "closed") and of groups (a member's name, or "none", which is blocked). */
export function selectorFiles(plan: Plan): SelectorFile[] {
  const add = (from: string, to: string): string => `add rule inet ${NFT_TABLE} ${from} goto ${to}\n`;
  const ways = windowWays(plan);
  const windows = [...new Set(ways.map(({ window }) => window.name))].flatMap((name): SelectorFile[] => [
    {
      selector: name,
      variant: "open",
      content: ways
        .filter(({ window }) => window.name === name)
        .flatMap(({ window, way }) =>
          purposes.map((purpose) => add(windowChain(plan, purpose, window, way), endChain(plan, purpose, way))),
        )
        .join(""),
    },
    { selector: name, variant: "closed", content: "" },
  ]);
  const groups = plan.groups.flatMap(({ name, members }) =>
    [...members, "none"].map((member): SelectorFile => ({
      selector: `group-${name}`,
      variant: member,
      content: purposes
        .map((purpose) => {
          const from = endChain(plan, purpose, name);
          const to = endChain(plan, purpose, member === "none" ? "block" : member);
          return `flush chain inet ${NFT_TABLE} ${from}\n${add(from, to)}`;
        })
        .join(""),
    })),
  );
  return [...windows, ...groups];
}

/** What the daemon needs to know to select, as JSON; `sources` are the addresses that a change concerns. */
export function renderSelectors(plan: Plan): string {
  const concerned = (fits: (choice: Choice) => boolean): string[] =>
    plan.sources.filter(({ choices }) => choices.some(fits)).map(intervalText);
  const windows = [...new Map(windowWays(plan).map(({ window }) => [window.name, window])).values()];
  const groups = plan.groups.map(({ name, members, backAfter }) => ({
    name: `group-${name}`,
    members,
    backAfter,
    sources: concerned(({ exit }) => exit === name),
  }));
  return `${JSON.stringify(
    {
      windows: windows.map((window) => ({
        ...window,
        sources: concerned((choice) => choice.window?.name === window.name),
      })),
      groups,
      exits: plan.exits.map(({ name }) => name),
      upstreams: plan.dns.upstreams,
    },
    null,
    2,
  )}\n`;
}
