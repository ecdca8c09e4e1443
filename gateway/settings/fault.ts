/** One thing that is wrong with the settings, in the words of whoever has to mend it. */
export interface Fault {
  /** The stack configuration's key, such as `clients[1].address`. */
  readonly key: string;
  /** What stands there; `undefined` when the key is missing. Never a secret: see {@link hidden}. */
  readonly value: unknown;
  /** What may stand there. */
  readonly allowed: string;
  /** What to do about it. */
  readonly mend: string;
}

/** Notes one {@link Fault}. */
export type Report = (key: string, value: unknown, allowed: string, mend: string) => void;

/** Stands in a {@link Fault} for a value that must not be printed. */
export const hidden = Symbol("hidden");

/** Stands in a {@link Fault} of a key that is no setting. */
export const unknown = Symbol("unknown");

/** Keys and profiles have more than one line: whoever puts one in the wrong place shall not find it in a log. */
export const isPrivate = (value: unknown): boolean => typeof value === "string" && /[\n\r]|PRIVATE KEY/.test(value);

function shown(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === null) return "has no value";
  if (value === unknown) return "is an unknown setting";
  if (value === hidden || isPrivate(value)) return "is not valid (its value is not shown)";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "is a list" : "is a map";
  const text = JSON.stringify(value) ?? typeof value;
  return `is ${text.length > 120 ? `${text.slice(0, 117)}...` : text}`;
}

/** The project's name in Pulumi.yaml, which is the namespace of its settings. */
export const PROJECT = "wg-gateway";

/** A key of another namespace has it already. */
const withNamespace = (key: string): string => (/^[^.[]*:/.test(key) ? key : `${PROJECT}:${key}`);

/** What is printed of a fault, or of a warning: where, what stands there, what may, and what to do. */
export const faultText = ({ key, value, allowed, mend }: Fault): string =>
  `${withNamespace(key)} ${shown(value)}\n    allowed: ${allowed}\n    mend:    ${mend}`;

/** All faults of a stack's settings at once. Thrown before any resource is made. */
export class SettingsError extends Error {
  /** @param faults at least one, in the order in which they are printed */
  constructor(readonly faults: readonly Fault[]) {
    const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
    const lines = faults.map((fault) => `  ${faultText(fault)}`);
    super(`the stack configuration has ${count}; nothing was changed\n${lines.join("\n")}`);
    this.name = "SettingsError";
  }
}
