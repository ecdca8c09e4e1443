import type { _InstanceType, EC2, Instance } from "@aws-sdk/client-ec2";
import { isDeepStrictEqual } from "node:util";
import type { Made, Provider } from "../resources";
import type { WireProperties } from "../secretValue";
import { autoName, ec2In, number, orUndo, tagged, text, unlessGone, updateTags, waitFor } from "./client";

const keyPair: Provider = {
  lasting: true,
  replaceOn: ["keyName", "keyNamePrefix", "publicKey", "region"],
  async create(inputs, context) {
    const ec2 = await ec2In(inputs["region"]);
    const keyName = text(inputs["keyName"]) ?? autoName(context.name);
    const { KeyPairId: keyPairId = "" } = await ec2.importKeyPair({
      KeyName: keyName,
      PublicKeyMaterial: Buffer.from(text(inputs["publicKey"]) ?? ""),
      TagSpecifications: tagged("key-pair", inputs),
    });
    return { id: keyName, outputs: { keyName, keyPairId } };
  },
  async update(old, inputs) {
    await updateTags(await ec2In(inputs["region"]), text(old.outputs["keyPairId"]) ?? "", old, inputs);
    return old.outputs;
  },
  async delete({ id, inputs }) {
    const ec2 = await ec2In(inputs["region"]);
    await unlessGone(["InvalidKeyPair.NotFound"], ec2.deleteKeyPair({ KeyName: id }));
  },
};

/** Waits until an instance is in a state. @throws Error when it is terminated instead */
function waitForState(ec2: EC2, id: string, wanted: "running" | "stopped" | "terminated"): Promise<Instance> {
  return waitFor(`the instance ${id} is ${wanted}`, async () => {
    const { Reservations: found = [] } = await ec2.describeInstances({ InstanceIds: [id] });
    const instance = found[0]?.Instances?.[0];
    const state = instance?.State?.Name;
    if (state === "terminated" && wanted !== "terminated") throw new Error(`the instance ${id} was terminated`);
    return state === wanted ? instance : undefined;
  });
}

const outputsOf = (instance: Instance): WireProperties => ({
  instanceState: instance.State?.Name ?? "",
  availabilityZone: instance.Placement?.AvailabilityZone ?? "",
  subnetId: instance.SubnetId ?? "",
  privateIp: instance.PrivateIpAddress ?? "",
});

interface Disk {
  readonly volumeType?: "gp3";
  readonly volumeSize?: number;
  readonly encrypted?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

const listOf = (value: unknown): string[] => (value ?? []) as string[];

async function launch(ec2: EC2, inputs: WireProperties): Promise<string> {
  const image = text(inputs["ami"]) ?? "";
  const { Images: found = [] } = await ec2.describeImages({ ImageIds: [image] });
  const disk = (inputs["rootBlockDevice"] ?? {}) as Disk;
  const metadata = (inputs["metadataOptions"] ?? {}) as Record<string, string>;
  const { Instances: made = [] } = await ec2.runInstances({
    ImageId: image,
    InstanceType: text(inputs["instanceType"]) as _InstanceType,
    MinCount: 1,
    MaxCount: 1,
    KeyName: text(inputs["keyName"]),
    SubnetId: text(inputs["subnetId"]),
    SecurityGroupIds: listOf(inputs["vpcSecurityGroupIds"]),
    UserData: Buffer.from(text(inputs["userData"]) ?? "").toString("base64"),
    MetadataOptions: {
      HttpEndpoint: metadata["httpEndpoint"] as "enabled",
      HttpTokens: metadata["httpTokens"] as "required",
      HttpPutResponseHopLimit: number(metadata["httpPutResponseHopLimit"]),
    },
    BlockDeviceMappings: [
      {
        DeviceName: found[0]?.RootDeviceName,
        Ebs: {
          VolumeType: disk.volumeType,
          VolumeSize: disk.volumeSize,
          Encrypted: disk.encrypted,
          DeleteOnTermination: true,
        },
      },
    ],
    TagSpecifications: [...tagged("instance", inputs), ...tagged("volume", disk as WireProperties)],
  });
  return made[0]?.InstanceId ?? "";
}

async function terminate(ec2: EC2, id: string): Promise<void> {
  await unlessGone(["InvalidInstanceID.NotFound"], ec2.terminateInstances({ InstanceIds: [id] }));
  await unlessGone(["InvalidInstanceID.NotFound"], waitForState(ec2, id, "terminated"));
}

/** Another type needs the instance stopped; it keeps its disk and its addresses. */
async function changeType(ec2: EC2, id: string, type: string): Promise<void> {
  await ec2.stopInstances({ InstanceIds: [id] });
  await waitForState(ec2, id, "stopped");
  await ec2.modifyInstanceAttribute({ InstanceId: id, InstanceType: { Value: type } });
  await ec2.startInstances({ InstanceIds: [id] });
  await waitForState(ec2, id, "running");
}

async function changeDisk(ec2: EC2, id: string, disk: Disk): Promise<void> {
  const { Volumes: volumes = [] } = await ec2.describeVolumes({
    Filters: [{ Name: "attachment.instance-id", Values: [id] }],
  });
  await ec2.modifyVolume({ VolumeId: volumes[0]?.VolumeId, Size: disk.volumeSize, VolumeType: disk.volumeType });
}

const inPlace = ["instanceType", "rootBlockDevice", "tags", "vpcSecurityGroupIds"];

async function change(ec2: EC2, old: Made, inputs: WireProperties): Promise<void> {
  const keys = [...new Set([...Object.keys(old.inputs), ...Object.keys(inputs)])];
  const changed = keys.filter((key) => !isDeepStrictEqual(old.inputs[key], inputs[key]));
  const unknown = changed.filter((key) => !inPlace.includes(key));
  if (unknown.length > 0)
    throw new Error(`the embedded engine cannot change ${unknown.join(", ")} of an instance: use the Pulumi CLI`);
  await updateTags(ec2, old.id, old, inputs);
  if (changed.includes("vpcSecurityGroupIds"))
    await ec2.modifyInstanceAttribute({ InstanceId: old.id, Groups: listOf(inputs["vpcSecurityGroupIds"]) });
  if (changed.includes("instanceType")) await changeType(ec2, old.id, text(inputs["instanceType"]) ?? "");
  if (changed.includes("rootBlockDevice")) await changeDisk(ec2, old.id, inputs["rootBlockDevice"] as Disk);
}

const instance: Provider = {
  lasting: true,
  // `userData` because of `userDataReplaceOnChange`, which the program always sets.
  replaceOn: ["ami", "keyName", "region", "subnetId", "userData"],
  async create(inputs) {
    const ec2 = await ec2In(inputs["region"]);
    const id = await launch(ec2, inputs);
    const running = await orUndo(
      () => waitForState(ec2, id, "running"),
      () => terminate(ec2, id),
    );
    return { id, outputs: outputsOf(running) };
  },
  async update(old, inputs) {
    const ec2 = await ec2In(inputs["region"]);
    await change(ec2, old, inputs);
    return outputsOf(await waitForState(ec2, old.id, "running"));
  },
  async delete({ id, inputs }) {
    await terminate(await ec2In(inputs["region"]), id);
  },
};

export const instanceResources: Readonly<Record<string, Provider>> = {
  "aws:ec2/keyPair:KeyPair": keyPair,
  "aws:ec2/instance:Instance": instance,
};
