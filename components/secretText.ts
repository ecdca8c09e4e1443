import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** What a secret is made anew with. */
export interface Versioned {
  /** 1..1000000; another number makes another secret. */
  readonly keyVersion: number;
}

/**
 * A random text that keys are derived from, made once. Not random.RandomBytes: its ID is its value, and IDs are never encrypted
 * (`computeRandomBytesID` in pulumi-random's provider/resources.go). The ID of a RandomPassword is "none".
 * @returns 64 letters and digits, a secret
 */
export const secretText = (
  name: string,
  { keyVersion }: Versioned,
  options: pulumi.CustomResourceOptions,
): pulumi.Output<string> =>
  // Without special characters: 64 of 62 characters are 381 bits. All of it is within bcrypt's 72 bytes, for `bcryptHash`.
  new random.RandomPassword(name, { length: 64, special: false, keepers: { keyVersion: String(keyVersion) } }, options)
    .result;
