import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { hidden, type Fault } from "./fault";
import { schema, type Shape } from "./schema";

type Path = readonly PropertyKey[];

const keyText = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}${text && "."}${String(part)}`),
    "",
  );

const valueAt = (raw: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], raw);

/** @returns the known word nearest to a mistyped or shortened one, if it is near enough to be meant */
export function meant(word: string, known: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  const far = (candidate: string) => (candidate.startsWith(typed) ? 1 : distance(typed, candidate.toLowerCase()));
  const [best] = known.map((candidate) => ({ candidate, far: far(candidate) })).sort((a, b) => a.far - b.far);
  return best && best.far <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** The keys that may stand at a path of the schema. */
function knownKeys(raw: unknown, path: Path): string[] {
  let node: unknown = schema;
  for (const part of [...path, undefined]) {
    while (node instanceof z.ZodDefault || node instanceof z.ZodPrefault || node instanceof z.ZodOptional)
      node = node.unwrap();
    if (node instanceof z.ZodDiscriminatedUnion) {
      const kind = valueAt(raw, [...path, "kind"]);
      node = node.options.find((option) => ((option as z.ZodObject).shape.kind as z.ZodLiteral).value === kind);
    }
    if (part === undefined) break;
    if (node instanceof z.ZodArray) node = node.element;
    else if (node instanceof z.ZodRecord) node = node.valueType;
    else if (node instanceof z.ZodObject) node = (node.shape as Record<PropertyKey, unknown>)[part];
  }
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

function issueFaults(raw: unknown, issue: z.core.$ZodIssue): Fault[] {
  const key = keyText(issue.path);
  const given = valueAt(raw, issue.path);
  const value = given !== undefined && /^credentials\b|\.publicKey$/.test(key) ? hidden : given;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(raw, issue.path);
      return issue.keys.map((unknown) => {
        const near = meant(unknown, known);
        return {
          key: keyText([...issue.path, unknown]),
          // It may be a secret in the wrong place.
          value: hidden,
          allowed: `one of the keys ${known.join(", ")}`,
          mend: near === undefined ? "take the key out" : `did you mean ${keyText([...issue.path, near])}?`,
        };
      });
    }
    case "invalid_key":
      return issue.issues.flatMap((inner) =>
        issueFaults(raw, { ...inner, path: issue.path }).map((fault) => ({ ...fault, value: issue.path.at(-1) })),
      );
    case "custom":
      return [{ key, value, allowed: issue.message, mend: String(issue.params?.mend ?? "") }];
    default:
      return [{ key, value, allowed: issue.message, mend: "write it as Pulumi.yaml describes it" }];
  }
}

/**
 * Checks each value by itself.
 * @returns the settings that are sound, section by section, and the faults of the others
 */
export function parseShape(raw: unknown): { sound: Partial<Shape>; whole: Shape | undefined; faults: Fault[] } {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { sound: parsed.data, whole: parsed.data, faults: [] };
  const sections = Object.entries(schema.shape).flatMap(([key, section]) => {
    const alone = section.safeParse(valueAt(raw, [key]));
    return alone.success ? [[key, alone.data] as const] : [];
  });
  return {
    sound: Object.fromEntries(sections),
    whole: undefined,
    faults: parsed.error.issues.flatMap((issue) => issueFaults(raw, issue)),
  };
}
