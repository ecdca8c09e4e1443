import { isMap, isNode, isScalar, isSeq, type Pair, parse, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import { PROJECT } from "../gateway/settings/fault";
import type { Settings } from "../gateway/settings/schema";
import { parseSettings } from "../gateway/settings/settings";
import type { Desk, Stack } from "./desk";
import { endOf, startOf } from "./positions";
import { Refusal } from "./refusal";
import { readProjectText } from "./stackFile";

/** A stack's file, read: its text, where in it the clients stand, and what its settings say. */
export interface StackDocument {
  readonly stack: Stack;
  readonly text: string;
  /** Everything in the file, as plain values. */
  readonly plain: Readonly<Record<string, unknown>>;
  /** The map of the key `config`. */
  readonly config: YAMLMap | undefined;
  /** The clients' entry there: with the project's prefix, or without, as Pulumi allows. */
  readonly clientsPair: Pair | undefined;
  /** What a new clients' entry is called. */
  readonly clientsKey: string;
  /** The project's settings without their prefix, unchecked: this stack's, else those of Pulumi.yaml. */
  readonly values: Readonly<Record<string, unknown>>;
}

type Values = Record<string, unknown>;

const isRecord = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const record = (value: unknown): Values => (isRecord(value) ? value : {});

/** Structured values may stand there as JSON: `pulumi config set` without --path writes them so. */
function structured(value: unknown): unknown {
  try {
    return typeof value === "string" ? (JSON.parse(value) as unknown) : value;
  } catch {
    return value;
  }
}

function ownValues(config: Values, project: string): Values {
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(prefix) || !key.includes(":"))
      .map(([key, value]) => [key.startsWith(prefix) ? key.slice(prefix.length) : key, structured(value)]),
  );
}

/** @throws Refusal when the text is no YAML */
export function parseStack(desk: Desk, stack: Stack, text: string): StackDocument {
  const document = parseDocument(text, { keepSourceTokens: true });
  const [error] = document.errors;
  if (error)
    throw new Refusal(
      `${stack.file} cannot be read: ${error.message.split("\n")[0]?.replace(/:$/, "")}`,
      "one YAML document, each key once",
      "mend the file by hand",
    );
  const project = record(parse(readProjectText(desk, "Pulumi.yaml") ?? ""));
  const projectName = String(project["name"]);
  const given = Object.entries(ownValues(record(project["config"]), projectName)).flatMap(([key, entry]) => {
    const value = isRecord(entry) ? (entry["value"] ?? entry["default"]) : entry;
    return value === undefined ? [] : [[key, value] as const];
  });
  const plain = record(document.toJS());
  const config = document.get("config");
  const clientsKey = `${projectName}:clients`;
  return {
    stack,
    text,
    plain,
    config: isMap(config) ? config : undefined,
    clientsPair: isMap(config)
      ? config.items.find(({ key }) => isScalar(key) && (key.value === clientsKey || key.value === "clients"))
      : undefined,
    clientsKey,
    values: { ...Object.fromEntries(given), ...ownValues(record(plain["config"]), projectName) },
  };
}

/** The entries of the clients' list, unchecked. */
export const rawClients = ({ values }: StackDocument): Values[] =>
  Array.isArray(values["clients"]) ? values["clients"].map(record) : [];

/** The clients' list as it stands in the file, when it is one. */
export const clientsList = ({ clientsPair }: StackDocument): YAMLSeq | undefined =>
  isSeq(clientsPair?.value) ? clientsPair.value : undefined;

/** First and last line of the clients' setting, by index. */
export function clientsLines({ text, clientsPair }: StackDocument): { first: number; last: number } {
  const lineOf = (at: number) => text.slice(0, at).split("\n").length - 1;
  const { key, value } = clientsPair ?? {};
  return {
    first: lineOf(isNode(key) ? startOf(key) : 0),
    last: lineOf(isNode(value) ? endOf(value) : 0),
  };
}

/** A text of one line, as checked credentials are. */
const PRESENT = "(encrypted)";

const isSecure = (value: unknown): boolean => isRecord(value) && typeof value["secure"] === "string";

/** Only the CLI can open what is encrypted; that it is there is enough for the check. */
function opened(value: unknown): unknown {
  if (isSecure(value)) return PRESENT;
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, opened(part)])) : value;
}

/** All credentials in one encrypted value: whose they are cannot be seen, so that they count as those of every OpenVPN exit. */
function openedCredentials({ credentials, exits }: Readonly<Values>): unknown {
  if (!isSecure(credentials)) return opened(credentials);
  const asking = (Array.isArray(exits) ? exits : []).map(record).filter(({ kind = "openvpn" }) => kind === "openvpn");
  return Object.fromEntries(asking.map(({ name }) => [name, { username: PRESENT, password: PRESENT }]));
}

const holdsSecure = (value: unknown): boolean =>
  isSecure(value) || (typeof value === "object" && value !== null && Object.values(value).some(holdsSecure));

/**
 * What the program itself would say to the file.
 * @throws SettingsError with all faults
 */
export function checkSettings(desk: Desk, { stack, plain, values }: StackDocument): Settings {
  const raw = Object.fromEntries(Object.entries(values).filter(([key]) => key !== "credentials"));
  for (const [key, value] of Object.entries(raw))
    if (holdsSecure(value))
      throw new Refusal(
        `${key} of ${stack.file} is encrypted, so that it cannot be checked here`,
        "encrypted values in credentials alone",
        "write it in the clear, or edit the clients by hand",
      );
  const sources = {
    readFile: (path: string) => readProjectText(desk, path),
    credentials: openedCredentials(values),
    otherKeys: Object.keys(record(plain["config"])).filter(
      (key) => key.includes(":") && !key.startsWith(`${PROJECT}:`),
    ),
    now: new Date(),
  };
  return parseSettings(raw, sources).settings;
}
