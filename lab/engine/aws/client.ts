import type { EC2, Filter, ResourceType, TagSpecification } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import * as pulumi from "@pulumi/pulumi";
import { setTimeout as sleep } from "node:timers/promises";
import type { Made } from "../resources";
import type { Wire, WireProperties } from "../secretValue";

/** As AWS's API names an error; the code is such as `InvalidGroup.NotFound`. */
export class AwsError extends Error {
  override readonly name = "AwsError";

  constructor(
    action: string,
    readonly code: string,
    message: string,
    cause: unknown,
  ) {
    super(`${action}: ${code}: ${message}`, { cause });
  }
}

/** What stands in `aws:endpoints`, `aws:accessKey` and `aws:secretKey`, as the real provider takes them. */
function settingsFor(service: "ec2" | "ssm", region: Wire | undefined) {
  const config = new pulumi.Config("aws");
  const endpoints = config.getObject<Record<string, string>[]>("endpoints") ?? [];
  const endpoint = endpoints.map((one) => one[service]).find((one) => one !== undefined);
  // Without one the calls would go to AWS, where nobody who tries a lab wants to make anything.
  if (endpoint === undefined)
    throw new Error(`the embedded engine needs aws:endpoints with ${service}: use the Pulumi CLI`);
  return {
    endpoint,
    region: typeof region === "string" ? region : config.require("region"),
    credentials: { accessKeyId: config.require("accessKey"), secretAccessKey: config.require("secretKey") },
  };
}

/** Has an error of a client's calls say which call it was. */
function naming<Client extends object>(client: Client): Client {
  return new Proxy(client, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        try {
          return await (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        } catch (error) {
          const { name, message } = error as Error;
          throw new AwsError(`${String(key)[0]?.toUpperCase()}${String(key).slice(1)}`, name, message, error);
        }
      };
    },
  });
}

// The SDK warns at each start that a later version will want a newer Node.js; the version here is pinned.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

type Settings = ReturnType<typeof settingsFor>;
const clients = new Map<string, Promise<object>>();

/** One client for each service and region. The SDK is loaded by who needs it: most stacks of the lab have nothing on AWS. */
function once<Client extends object>(settings: Settings, make: (settings: Settings) => Promise<Client>) {
  const key = JSON.stringify([make.name, settings]);
  const client = clients.get(key) ?? make(settings).then(naming);
  clients.set(key, client);
  return client as Promise<Client>;
}

const makeEc2 = async (settings: Settings): Promise<EC2> => new (await import("@aws-sdk/client-ec2")).EC2(settings);
const makeSsm = async (settings: Settings): Promise<SSM> => new (await import("@aws-sdk/client-ssm")).SSM(settings);

/** @param region default `aws:region` */
export const ec2In = async (region: Wire | undefined): Promise<EC2> => once(settingsFor("ec2", region), makeEc2);
export const ssmIn = async (region: Wire | undefined): Promise<SSM> => once(settingsFor("ssm", region), makeSsm);

/** Lets a deletion pass whose thing is gone already, as the provider does. */
export async function unlessGone(codes: readonly string[], action: Promise<unknown>): Promise<void> {
  await action.catch((error: unknown) => {
    if (!(error instanceof AwsError && codes.includes(error.code))) throw error;
  });
}

/** Finishes what was begun, or takes it away again: then nothing is left that no state knows of. */
export async function orUndo<T>(finish: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  try {
    return await finish();
  } catch (error) {
    await undo().catch(() => undefined);
    throw error;
  }
}

/** Asks until there is an answer; every second, ten minutes at most, as long as the provider waits for an instance. */
export async function waitFor<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(attempt < 10 ? 100 : 1000);
  }
  throw new Error(`${what}: not within ten minutes`);
}

/** A name that nothing else has, as the provider makes them: the resource's, and seven hexadecimal digits. */
export const autoName = (name: string): string =>
  `${name}-${Math.floor(Math.random() * 0x10000000)
    .toString(16)
    .padStart(7, "0")}`;

export const text = (value: Wire | undefined): string | undefined => (typeof value === "string" ? value : undefined);
export const number = (value: Wire | undefined): number | undefined => (typeof value === "number" ? value : undefined);

type Tags = Readonly<Record<string, string>>;
const tagsOf = (inputs: WireProperties): Tags => (inputs["tags"] ?? {}) as Tags;
const tagList = (tags: Tags) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** Tags of what is about to be made. */
export const tagged = (type: ResourceType, inputs: WireProperties): TagSpecification[] => {
  const tags = tagList(tagsOf(inputs));
  return tags.length > 0 ? [{ ResourceType: type, Tags: tags }] : [];
};

/** Brings a thing's tags from what they were to what they are to be. */
export async function updateTags(ec2: EC2, id: string, old: Made, inputs: WireProperties): Promise<void> {
  const [before, after] = [tagsOf(old.inputs), tagsOf(inputs)];
  const gone = Object.keys(before).filter((key) => !(key in after));
  if (gone.length > 0) await ec2.deleteTags({ Resources: [id], Tags: gone.map((Key) => ({ Key })) });
  const changed = tagList(after).filter(({ Key, Value }) => before[Key] !== Value);
  if (changed.length > 0) await ec2.createTags({ Resources: [id], Tags: changed });
}

/** `filters` of a function, as the API takes them. */
export const filtersOf = (inputs: WireProperties): Filter[] =>
  ((inputs["filters"] ?? []) as unknown as { name: string; values: string[] }[]).map(({ name, values }) => ({
    Name: name,
    Values: values,
  }));
