import { z } from "zod";
import { schema } from "./schema";

export type Path = readonly PropertyKey[];

/** ["clients", 1, "address"] -> clients[1].address */
export const keyText = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}${text && "."}${String(part)}`),
    "",
  );

/** @returns what stands at a path, or undefined where there is nothing */
export const valueAt = (raw: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part], raw);

/** What a schema is inside of its defaults. */
function inner(node: unknown): unknown {
  let bare = node;
  while (bare instanceof z.ZodDefault || bare instanceof z.ZodPrefault || bare instanceof z.ZodOptional)
    bare = bare.unwrap();
  // A list with something done to it afterwards; a field is a pipe, too, and begins with anything.
  return bare instanceof z.ZodPipe && bare.in instanceof z.ZodArray ? bare.in : bare;
}

const kindOf = (option: unknown): unknown => ((option as z.ZodObject).shape["kind"] as z.ZodLiteral).value;

/** The kinds that a union of maps has, by their names. */
export const kindsOf = (node: unknown): string[] =>
  node instanceof z.ZodDiscriminatedUnion ? node.options.map((option) => String(kindOf(option))) : [];

/** The schema of what stands at a path; of a union of maps its kind's, where that is known. */
export function nodeAt(raw: unknown, path: Path): unknown {
  let node = inner(schema);
  for (const [index, part] of path.entries()) {
    if (node instanceof z.ZodArray) node = node.element;
    else if (node instanceof z.ZodRecord) node = node.valueType;
    else if (node instanceof z.ZodObject) node = (node.shape as Record<PropertyKey, unknown>)[part];
    node = inner(node);
    const kind = valueAt(raw, [...path.slice(0, index + 1), "kind"]);
    if (node instanceof z.ZodDiscriminatedUnion) node = node.options.find((option) => kindOf(option) === kind) ?? node;
  }
  return node;
}

/** The keys that may stand at a path. */
export function knownKeys(raw: unknown, path: Path): string[] {
  const node = nodeAt(raw, path);
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

/** Where a setting is, such as clients[].name; of a host, which kinds have it. */
export interface Place {
  readonly key: string;
  readonly kinds?: readonly string[];
}

/** Every place of a setting of this name. */
export function placesOf(key: string, node: unknown = schema, at = ""): Place[] {
  const bare = inner(node);
  if (bare instanceof z.ZodArray) return placesOf(key, bare.element, `${at}[]`);
  if (bare instanceof z.ZodDiscriminatedUnion) {
    const having = bare.options.filter((option) => Object.hasOwn((option as z.ZodObject).shape, key));
    return having.length === 0 ? [] : [{ key: `${at}.${key}`, kinds: having.map((option) => String(kindOf(option))) }];
  }
  if (!(bare instanceof z.ZodObject)) return [];
  return Object.entries(bare.shape).flatMap(([name, below]) => {
    const place = at === "" ? name : `${at}.${name}`;
    return name === key ? [{ key: place }] : placesOf(key, below, place);
  });
}
