import { runtime } from "@pulumi/pulumi";

/** Whether a value is one that the state marks as a secret, however it is stored: in the clear, opened, or encrypted. */
const isMarked = (value: object): value is Record<string, unknown> =>
  (value as Record<string, unknown>)[runtime.specialSigKey] === runtime.specialSecretSig;

/** What is no secret, though it is a part of one: the public half of a key, and texts that anybody may guess. */
const isPublic = (text: string): boolean => text.length < 16 || text.startsWith("ssh-ed25519 ") || /^\s*$/.test(text);

const textsOf = (value: unknown): string[] => {
  if (typeof value === "string") return isPublic(value) ? [] : [value.trim()];
  if (typeof value !== "object" || value === null) return [];
  return isMarked(value) ? secretTexts(value) : Object.values(value).flatMap(textsOf);
};

/** Every text that stands in secrets of an opened state (`stack export --show-secrets`). */
export function secretTexts(state: unknown): string[] {
  if (typeof state !== "object" || state === null) return [];
  if (!isMarked(state)) return [...new Set(Object.values(state).flatMap(secretTexts))];
  const { value, plaintext } = state;
  return textsOf(typeof plaintext === "string" ? JSON.parse(plaintext) : value);
}

/** Those of the secrets that stand in a text, as they are or within JSON. */
export const exposedIn = (text: string, secrets: readonly string[]): string[] =>
  secrets.filter((secret) => text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)));
