import { runtime } from "@pulumi/pulumi";

/** A property as it travels between program and engine: JSON, in which a secret is an object with the SDK's own signature. */
export type Wire = null | boolean | number | string | Wire[] | { [key: string]: Wire };
export type WireProperties = Record<string, Wire>;

const isObject = (value: Wire): value is { [key: string]: Wire } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isSecret = (value: Wire): boolean =>
  isObject(value) && value[runtime.specialSigKey] === runtime.specialSecretSig;

export const asSecret = (value: Wire): Wire =>
  isSecret(value) ? value : { [runtime.specialSigKey]: runtime.specialSecretSig, value };

/** Replaces every secret, however deep, by what `reveal` makes of its value. */
export function mapSecrets(value: Wire, reveal: (secret: Wire) => Wire): Wire {
  if (Array.isArray(value)) return value.map((item) => mapSecrets(item, reveal));
  if (!isObject(value)) return value;
  if (isSecret(value)) return reveal(value["value"] ?? null);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapSecrets(item, reveal)]));
}

/** The value in the clear, for the resource that works with it and for comparison; never for the screen. */
export const unwrap = (value: Wire): Wire => mapSecrets(value, unwrap);

/** The value as it may be shown. */
export const redact = (value: Wire): Wire => mapSecrets(value, () => "[secret]");
