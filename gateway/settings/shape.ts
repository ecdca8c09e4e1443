import { z } from "zod";
import { adviceOn, listCorrections, meant } from "./advice";
import { hidden, isPrivate, unknown, type Fault } from "./fault";
import type { Params } from "./fields";
import { malformed, type Malformed, type Parts } from "./parts";
import { schema, type Shape } from "./schema";
import { keyText, kindsOf, knownKeys, nodeAt, type Path, placesOf, valueAt } from "./schemaKeys";

const described = "write it as Pulumi.yaml describes it";

/** A setting that another kind of host has, or that belongs elsewhere. */
function elsewhereAdvice(path: Path, key: string): string {
  const places = placesOf(key);
  const pattern = keyText([...path, key]).replace(/\[\d+\]/g, "[]");
  const ofOtherKind = places.find((place) => place.key === pattern);
  if (ofOtherKind) return `take it out: only kind: ${ofOtherKind.kinds?.join(", ")} has it`;
  const [first] = places;
  return first === undefined ? "take it out" : `take it out, or did you mean ${first.key}?`;
}

function unknownKeyFault(raw: unknown, path: Path, key: string): Fault {
  const known = knownKeys(raw, path);
  const near = meant(key, known);
  return {
    key: keyText([...path, key]),
    // Its value may be a secret in the wrong place.
    value: unknown,
    allowed: `one of the keys ${known.join(", ")}`,
    mend: near === undefined ? elsewhereAdvice(path, key) : `did you mean ${keyText([...path, near])}?`,
  };
}

/** What helps where something else stands instead of a map or a list. */
function containerAdvice(value: unknown, node: unknown): string {
  const fitting = node instanceof z.ZodType ? adviceOn(value, node, listCorrections(value)) : undefined;
  const first = fitting && (isPrivate(value) ? fitting.how : fitting.full);
  return first === undefined ? described : `${first}; Pulumi.yaml describes it`;
}

function issueFaults(raw: unknown, issue: z.core.$ZodIssue): Fault[] {
  const key = keyText(issue.path);
  const given = valueAt(raw, issue.path);
  const isSecret = /^credentials\b|\.publicKey$/.test(key);
  const value = given !== undefined && isSecret ? hidden : given;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((name) => unknownKeyFault(raw, issue.path, name));
    case "custom": {
      const { advice } = (issue.params ?? {}) as Params;
      const mend = isSecret || isPrivate(given) ? advice?.how : advice?.full;
      return [{ key, value, allowed: issue.message, mend: mend ?? described }];
    }
    case "invalid_union": {
      const near = kindMeant(raw, issue);
      return [{ key, value, allowed: issue.message, mend: near === undefined ? described : `did you mean "${near}"?` }];
    }
    default:
      return [{ key, value, allowed: issue.message, mend: containerAdvice(given, nodeAt(raw, issue.path)) }];
  }
}

/** Puts something where a path leads, in place. @returns the whole */
function put<T>(tree: T, path: Path, value: unknown): T | Malformed {
  if (path.length === 0) return malformed;
  const holder = valueAt(tree, path.slice(0, -1));
  if (typeof holder === "object" && holder !== null)
    Object.defineProperty(holder, path.at(-1) ?? "", { value, enumerable: true, writable: true, configurable: true });
  return tree;
}

/** What stands where an issue is, and cannot be used. */
function unusable(raw: unknown, issue: z.core.$ZodIssue): Path | undefined {
  if (issue.code === "unrecognized_keys") return undefined;
  const isOfLength = issue.code === "custom" && (issue.params as Params | undefined)?.length;
  if (isOfLength && (valueAt(raw, issue.path) as unknown[]).length > 0) return undefined;
  // Without its kind nothing else of a map is known.
  return issue.code === "invalid_union" ? issue.path.slice(0, -1) : issue.path;
}

const issuesOf = (raw: unknown): readonly z.core.$ZodIssue[] => schema.safeParse(raw).error?.issues ?? [];

/** The kind that was meant where a host's kind is mistyped. */
function kindMeant(raw: unknown, { code, path }: z.core.$ZodIssue): string | undefined {
  const given = code === "invalid_union" ? valueAt(raw, path) : undefined;
  return typeof given === "string" ? meant(given, kindsOf(nodeAt(raw, path.slice(0, -1)))) : undefined;
}

/**
 * Reads a host whose kind is mistyped as one of the kind that was meant, so that its other errors are told, too.
 * @returns the settings with these kinds put right, and the errors of these kinds
 */
function withKindsMeant(raw: unknown): { raw: unknown; faults: Fault[] } {
  const mistyped = issuesOf(raw).filter((issue) => kindMeant(raw, issue) !== undefined);
  if (mistyped.length === 0) return { raw, faults: [] };
  const copy = structuredClone(raw);
  for (const issue of mistyped) put(copy, issue.path, kindMeant(raw, issue));
  return { raw: copy, faults: mistyped.flatMap((issue) => issueFaults(raw, issue)) };
}

/**
 * Checks each value by itself.
 * @returns what was read, with {@link malformed} where a value is not what it should be, and the faults of these values
 */
export function parseShape(given: unknown): { parts: Parts<Shape>; faults: Fault[] } {
  const { raw, faults } = withKindsMeant(given);
  const issues = issuesOf(raw);
  // `safeParse` gives nothing of what it read where there are issues; by this zod's own schemas call each other.
  const read = schema._zod.run({ value: raw, issues: [] }, {}) as z.core.ParsePayload;
  const parts = issues.reduce<unknown>((tree, issue) => {
    const path = unusable(raw, issue);
    return path === undefined ? tree : put(tree, path, malformed);
  }, read.value);
  return { parts: parts as Parts<Shape>, faults: [...faults, ...issues.flatMap((issue) => issueFaults(raw, issue))] };
}
