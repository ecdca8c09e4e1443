import * as pulumi from "@pulumi/pulumi";
import { faultText, SettingsError } from "../gateway/settings/fault";
import { type Credentials, type ParsedStack, parseStack } from "../gateway/settings/settings";
import { readProjectFile } from "./projectFiles";

/** Structured values arrive as JSON; a plain text is one that is not. */
function plainValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Reads every key of the project's namespace, known or not, so that a mistyped one is reported. Synchronous: all of it is checked
 * before the first resource is made. What is taken and had better be mended is logged as warnings.
 * @returns the settings, and the credentials by exit as a secret
 * @throws RunError with everything that is wrong; Pulumi prints its message alone
 */
export function loadStackSettings(): Omit<ParsedStack, "credentials" | "warnings"> & {
  credentials: pulumi.Output<Record<string, Credentials>>;
} {
  const prefix = `${pulumi.getProject()}:`;
  const all = Object.entries(pulumi.runtime.allConfig());
  const own = all.filter(([key]) => key.startsWith(prefix));
  const otherKeys = all.map(([key]) => key).filter((key) => !key.startsWith(prefix));
  const values = Object.fromEntries(own.map(([key, text]) => [key.slice(prefix.length), plainValue(text)]));
  const { credentials: unchecked, ...raw } = values;
  try {
    const sources = { readFile: readProjectFile, credentials: unchecked, otherKeys, now: new Date() };
    const { credentials, warnings, ...stack } = parseStack(raw, sources);
    for (const warning of warnings) void pulumi.log.warn(faultText(warning));
    return { ...stack, credentials: pulumi.secret(Object.fromEntries(credentials)) };
  } catch (error) {
    throw error instanceof SettingsError ? new pulumi.RunError(error.message) : error;
  }
}
