import { meant } from "./advice";

/*
 * A value that is not well-formed must not hide what is wrong with the others, so the checks between settings look at parts: what was read,
 * with a mark where a value is malformed. Each check names the parts that it compares.
 */

/** Stands where a value is malformed. Its error is reported already. */
export const malformed: unique symbol = Symbol("malformed");
export type Malformed = typeof malformed;

/** What was read of a `T`: any part of it, and all of it, may be malformed. */
export type Parts<T> =
  | Malformed
  | (T extends readonly (infer E)[]
      ? readonly Parts<E>[]
      : T extends object
        ? { readonly [K in keyof T]: Parts<T[K]> }
        : T);

/** What {@link Parts} are when nothing in them is malformed: `Whole<Parts<T>>` is a readonly `T`. */
export type Whole<P> = P extends Malformed
  ? never
  : P extends readonly (infer E)[]
    ? readonly Whole<E>[]
    : P extends object
      ? { readonly [K in keyof P]: Whole<P[K]> }
      : P;

/** The keys of a map; of a union of maps, those that all have. */
type KeyOf<P> = keyof Exclude<P, Malformed | undefined>;

const isWhole = (part: unknown): boolean =>
  part !== malformed && (typeof part !== "object" || part === null || Object.values(part).every(isWhole));

/** @returns the value when nothing in it is malformed, else undefined */
export const whole = <P>(part: P): Whole<P> | undefined => (isWhole(part) ? (part as Whole<P>) : undefined);

/** @returns these settings of a map when all of them are well-formed, whatever its others are; else undefined */
export function pick<P, K extends KeyOf<P>>(
  part: P,
  ...keys: readonly K[]
): Whole<Pick<Exclude<P, Malformed | undefined>, K>> | undefined {
  if (typeof part !== "object" || part === null) return undefined;
  return whole(Object.fromEntries(keys.map((key) => [key, part[key as unknown as keyof P]]))) as ReturnType<
    typeof pick<P, K>
  >;
}

/** The elements of a list; none where it is malformed or not given. */
export const elements = <E>(list: readonly E[] | Malformed | undefined): readonly E[] =>
  list === malformed || list === undefined ? [] : list;

/** Of each element of a list that has these settings well-formed: these settings, and its index. */
export const having = <E, K extends KeyOf<E>>(list: readonly E[] | Malformed | undefined, ...keys: readonly K[]) =>
  elements(list).flatMap((element, index) => {
    const picked = pick(element, ...keys);
    return picked === undefined ? [] : [{ index, ...picked }];
  });

/** The elements of a list that are well-formed, each with its index. */
export const sound = <E>(list: readonly E[] | Malformed | undefined): { index: number; value: Whole<E> }[] =>
  elements(list).flatMap((element, index) => {
    const value = whole(element);
    return value === undefined ? [] : [{ index, value }];
  });

/** The names of exits, groups or clients, as they were given. */
export interface Names {
  readonly names: readonly string[];
  /** Those of them that are malformed: what refers to one is not wrong by itself, nor what refers to the name that it will have. */
  readonly malformed: readonly string[];
  /** Whether these are all: not when the list, or the name of an element, is not there. */
  readonly complete: boolean;
}

/** @param given the list as it was given, unchecked @param list what was read of it */
export function namesOf(given: unknown, list: Parts<readonly { readonly name: string }[]>): Names {
  if (given === undefined) return { names: [], malformed: [], complete: true };
  if (!Array.isArray(given)) return { names: [], malformed: [], complete: false };
  // `clients: [phone]` means a client of that name.
  const names = given.map((element: unknown) => {
    const name = typeof element === "string" ? element : (Object(element) as { name?: unknown }).name;
    return typeof name === "string" || typeof name === "number" ? String(name) : undefined;
  });
  const wellFormed = new Set(having(list, "name").map(({ name }) => name));
  return {
    names: names.flatMap((name) => name ?? []),
    malformed: names.flatMap((name) => (name === undefined || wellFormed.has(name) ? [] : name)),
    complete: names.every((name) => name !== undefined),
  };
}

/** Whether a name is certainly that of nothing. */
export const isUnknown = ({ names, malformed, complete }: Names, name: string): boolean =>
  complete && !names.includes(name) && meant(name, malformed) === undefined;

/** Names of several lists. */
export const together = (some: Names, others: Names): Names => ({
  names: [...some.names, ...others.names],
  malformed: [...some.malformed, ...others.malformed],
  complete: some.complete && others.complete,
});
