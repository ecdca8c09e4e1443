import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { stateFolder } from "../state";

/** A rule of a security group. */
export interface GroupRule {
  readonly id: string;
  /** A name or number of a protocol; "-1" for all. */
  readonly protocol: string;
  readonly from: number | null;
  readonly to: number | null;
  /** CIDRs: where packets come from, or go to. */
  readonly networks: readonly string[];
}

export interface SecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly ingress: readonly GroupRule[];
  readonly egress: readonly GroupRule[];
}

export interface Instance {
  readonly id: string;
  readonly state: "running" | "stopped" | "terminated";
  /** How often it was started, its launch included. */
  readonly starts: number;
  readonly image: string;
  readonly type: string;
  /** Its address in the VPC. */
  readonly address: string;
  /** CIDR of its subnet. */
  readonly subnet: string;
  readonly keyName: string | null;
  /** The key that it was launched with. */
  readonly publicKey: string | null;
  /** Base64. */
  readonly userData: string | null;
  readonly groups: readonly string[];
  /** Its tag `Name`. */
  readonly name: string | null;
}

export interface ElasticAddress {
  readonly address: string;
  readonly allocation: string;
  readonly association: string | null;
  readonly instance: string | null;
}

/** What EC2 has; written by server/server.py after each call that changes it. */
export interface CloudState {
  readonly instances: readonly Instance[];
  readonly groups: readonly SecurityGroup[];
  readonly addresses: readonly ElasticAddress[];
  /** By name. */
  readonly keyPairs: readonly string[];
}

/** A call to the API. */
export interface Call {
  readonly action: string;
  readonly parameters: Readonly<Record<string, string | boolean>>;
}

/** The folder that the lab and the server of EC2 share. */
export const cloudFolder = (): string => stateFolder("ec2");
const statePath = () => join(cloudFolder(), "state.json");

/** Whether the standing lab has an EC2. */
export const hasCloud = (): boolean => existsSync(statePath());

/** The state as text, to be compared. @throws Error when there is no EC2 */
export const stateText = (): string => readFileSync(statePath(), "utf8");

export const readCloud = (): CloudState => JSON.parse(stateText()) as CloudState;

/** Every call, oldest first. */
export function readCalls(): Call[] {
  const path = join(cloudFolder(), "calls.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Call);
}
