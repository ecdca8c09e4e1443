import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { newSshKeys } from "../sshKeys";
import type { Registration } from "../../lab/engine/engine";
import { watchMonitor } from "../../lab/engine/monitor";
import { CA, CUSTOMER, CUSTOMER_KEY } from "../gateway/certificatesFixtures";
import { isSecret, unwrap, type Wire, type WireProperties } from "../../lab/engine/secretValue";

/** What the program asked for. */
export interface Requested extends Omit<Registration, "inputs"> {
  /** As they travel: secrets with their signature, unknown values as `pulumi.runtime.unknownValue`. */
  readonly wire: WireProperties;
  /** The same in the clear. */
  readonly inputs: Record<string, unknown>;
  readonly timeouts: { readonly create: string };
}

export interface Run {
  readonly resources: readonly Requested[];
  readonly invokes: readonly Invoked[];
  readonly outputs: WireProperties;
  /** @throws unless there is exactly one resource of that name */
  readonly named: (name: string) => Requested;
}

const folder = mkdtempSync(join(tmpdir(), "wg-gateway-test-"));
export const profileFile = join(folder, "vpn.ovpn");
export const privateKeyFile = join(folder, "id_ed25519");
/** Stand-ins for the files settings name; what they hold must be found in no plain place. */
export const PROVIDER_KEY = CUSTOMER_KEY.split("\n")[1]!;
export const LOGIN_KEY = newSshKeys("login").privateKey;
export const PASSWORD = "provider-password";
writeFileSync(
  profileFile,
  `client\nremote 203.0.113.40 1194 udp\nauth-user-pass\nremote-cert-tls server\n${CA}${CUSTOMER}`,
);
writeFileSync(privateKeyFile, LOGIN_KEY);

export const hostKey = newSshKeys("machine").publicKey;
const shared = {
  exits: [{ name: "vpn", profile: profileFile }],
  clients: [
    { name: "laptop", address: "10.4.0.50" },
    { name: "phone", address: "10.4.0.200" },
  ],
  credentials: { vpn: { username: "someone", password: PASSWORD } },
};
export const ec2Settings = { ...shared, host: { kind: "ec2", sshFrom: ["198.51.100.23/32", "203.0.113.0/24"] } };
export const existingSettings = {
  ...shared,
  host: { kind: "existing", address: "198.51.100.10", user: "admin", privateKeyFile, hostKey },
};

/** What the resource of that name makes of randomness: the same for the same name, so that two runs can be compared. */
export const secretOf = (name: string): string => createHash("sha256").update(name).digest("hex");
const sshKeyPairs = new Map<string, ReturnType<typeof newSshKeys>>();
export function sshKeysOf(name: string): ReturnType<typeof newSshKeys> {
  const made = sshKeyPairs.get(name) ?? newSshKeys("");
  sshKeyPairs.set(name, made);
  return made;
}

type Made = (name: string, inputs: Record<string, unknown>) => { id: string; state: Record<string, unknown> };

const makers = (instanceId: string): Record<string, Made> => ({
  "random:index/randomPassword:RandomPassword": (name) => ({
    id: "none",
    state: { result: pulumi.secret(secretOf(name)) },
  }),
  "tls:index/privateKey:PrivateKey": (name) => {
    const { privateKey, publicKey } = sshKeysOf(name);
    return {
      id: `fingerprint-of-${name}`,
      state: { privateKeyOpenssh: pulumi.secret(privateKey), publicKeyOpenssh: `${publicKey}\n` },
    };
  },
  "command:local:Command": (name) => ({ id: name, state: { stdout: "", stderr: "" } }),
  "command:remote:Command": (name) => ({ id: name, state: { stdout: "", stderr: "" } }),
  "aws:ec2/securityGroup:SecurityGroup": () => ({ id: "sg-1", state: {} }),
  "aws:ec2/keyPair:KeyPair": () => ({ id: "key-1", state: { keyName: "key-1" } }),
  "aws:ec2/instance:Instance": () => ({ id: instanceId, state: {} }),
  "aws:ec2/eip:Eip": () => ({ id: "eipalloc-1", state: { publicIp: "203.0.113.9", allocationId: "eipalloc-1" } }),
  "aws:ec2/eipAssociation:EipAssociation": () => ({ id: "eipassoc-1", state: {} }),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (name) => ({ id: name, state: {} }),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (name) => ({ id: name, state: {} }),
});

/** What the functions of the providers answer, by token. */
export const answers: Readonly<Record<string, Record<string, unknown>>> = {
  "aws:ssm/getParameter:getParameter": { insecureValue: "ami-0debian" },
  "aws:ec2/getSubnet:getSubnet": { vpcId: "vpc-1" },
  "aws:ec2/getVpcs:getVpcs": { ids: ["vpc-default"] },
  "aws:ec2/getSubnets:getSubnets": { ids: ["subnet-b", "subnet-a"] },
  "aws:ec2/getRouteTables:getRouteTables": { ids: ["rtb-1"] },
  "aws:ec2/getRouteTable:getRouteTable": { routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }] },
};

/** Sets the stack's configuration as the CLI hands it over. */
export function configure(settings: Record<string, unknown>, region: string | null = "eu-central-1"): void {
  const entries = Object.entries(settings).map(([key, value]) => [`wg-gateway:${key}`, JSON.stringify(value)] as const);
  pulumi.runtime.setAllConfig({ ...(region === null ? {} : { "aws:region": region }), ...Object.fromEntries(entries) });
}

interface Invoked {
  readonly token: string;
  readonly inputs: unknown;
  /** How many resources were asked for before it. */
  readonly madeBefore: number;
}

interface EngineOptions {
  readonly instanceId?: string;
  readonly preview?: boolean;
  readonly answers?: typeof answers;
  /** Takes what is asked for, also where the program fails. */
  readonly resources?: Requested[];
}

/** Puts a monitor in the engine's place that records requests and throws on everything it does not know. */
export async function mockEngine({
  instanceId = "i-first",
  preview = false,
  answers: answered = answers,
  resources = [],
}: EngineOptions = {}): Promise<{
  resources: Requested[];
  invokes: Invoked[];
  outputs: () => WireProperties;
}> {
  const invokes: Invoked[] = [];
  let outputs: WireProperties = {};
  const known = makers(instanceId);
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, custom, inputs }) {
        if (!custom) return { id: undefined, state: {} };
        const make = known[type];
        if (make === undefined) throw new Error(`a ${type} was not expected`);
        // A preview knows the inputs, and neither ids nor outputs.
        if (preview) return { id: undefined, state: inputs as Record<string, unknown> };
        return make(name, unwrap(inputs as Wire) as Record<string, unknown>);
      },
      call({ token, inputs }) {
        const answer = answered[token];
        if (answer === undefined) throw new Error(`a call of ${token} was not expected`);
        invokes.push({ token, inputs, madeBefore: resources.length });
        return answer;
      },
    },
    "wg-gateway",
    "test",
    preview,
    "organization",
  );
  watchMonitor({
    onRegister(registration, request) {
      const inputs = unwrap(registration.inputs) as Record<string, unknown>;
      const timeouts = { create: request.getCustomtimeouts().getCreate() };
      resources.push({ ...registration, wire: registration.inputs, inputs, timeouts });
    },
    onOutputs: (stackOutputs) => void (outputs = stackOutputs),
  });
  return { resources, invokes, outputs: () => outputs };
}

/** Runs the whole program, index.ts, once with these settings. */
export async function runProgram(
  settings: Record<string, unknown>,
  { region = "eu-central-1", ...options }: EngineOptions & { readonly region?: string | null } = {},
): Promise<Run> {
  const { resources, invokes, outputs } = await mockEngine(options);
  configure(settings, region);
  vi.resetModules();
  await pulumi.runtime.runInPulumiStack(() => import("../../index.js").then((program) => program.default()));
  await pulumi.runtime.disconnect();
  const named = (name: string): Requested => {
    const [found, ...more] = resources.filter((resource) => resource.name === name);
    if (found === undefined || more.length > 0) throw new Error(`${more.length + (found ? 1 : 0)} resources ${name}`);
    return found;
  };
  return { resources, invokes, outputs: outputs(), named };
}

/** Every text that stands outside of secrets, however deep. */
export function plainTexts(value: Wire): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || isSecret(value)) return [];
  return Object.values(value).flatMap(plainTexts);
}

/** `name type` of each, sorted: components and custom resources alike, without the stack itself. */
export const listing = (resources: readonly Requested[]): string[] =>
  resources
    .filter(({ type }) => type !== "pulumi:pulumi:Stack")
    .map(({ name, type }) => `${name} ${type}`)
    .sort();
