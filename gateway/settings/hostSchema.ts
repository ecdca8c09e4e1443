import { z } from "zod";
import { isHost } from "./address";
import { field, isHostKey, list, map, network, networks, port, text } from "./fields";

/* The machine: a new one on EC2, or one that is there. */

export const hostText =
  'a map whose kind is "ec2" (a new EC2 machine) or "existing" (a Linux machine you reach by SSH)';

const yesOrNo = (mend: string) => field(z.boolean(), "true or false", mend);

/** Whether Pulumi refuses to delete or replace the machine's address and the keys that clients know it by. Default false. */
const protect = yesOrNo("leave it out for false").default(false);

const sshFrom = list(network("what may reach SSH", "give your own address with /32"), networks, { least: 1 });

export const ec2Host = z.strictObject({
  kind: z.literal("ec2"),
  /** AWS region of the machine and all that belongs to it. Default: the provider's, `aws:region`. */
  region: field(
    z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
    "an AWS region such as eu-central-1",
    "leave it out for aws:region",
  ).optional(),
  /** EC2 instance type; its architecture chooses the image. Default t4g.small. */
  instanceType: field(
    z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/),
    "an EC2 instance type such as t4g.small",
    "see `aws ec2 describe-instance-types`",
  ).default("t4g.small"),
  /** Image to start from. Default: the newest Debian 13 when the machine is first made. */
  amiId: field(
    z.string().regex(/^ami-[0-9a-f]{8,17}$/),
    "an image id such as ami-0123456789abcdef0",
    "leave it out for Debian 13",
  ).optional(),
  /** Subnet of the machine. Default: a default subnet of the default VPC. */
  subnetId: field(
    z.string().regex(/^subnet-[0-9a-f]{8,17}$/),
    "a subnet id such as subnet-0123456789abcdef0",
    "leave it out for the default VPC",
  ).optional(),
  /** Networks that may reach SSH. Required; the whole internet only by `sshFromAnywhere`. */
  sshFrom,
  /** Says that `sshFrom` may hold the whole internet, or more than a /8 of it. Default false. */
  sshFromAnywhere: field(z.boolean(), "true or false", "leave it out unless SSH shall face the whole internet").default(
    false,
  ),
  /** Size of the encrypted gp3 root volume, GiB, 8..1024. Default 8. */
  volumeSize: field(z.int().min(8).max(1024), "GiB, a whole number 8..1024", "8 is enough for a gateway").default(8),
  /** Tags for every resource of the machine. Default none. */
  tags: z.record(z.string(), field(z.string(), "a text", "put it in quotes"), "a map of texts").default({}),
  protect,
});

export const existingHost = z.strictObject({
  kind: z.literal("existing"),
  /** Where SSH and WireGuard reach the machine: an IPv4 address or a DNS name. */
  address: field(z.string().refine(isHost), "an IPv4 address or a DNS name", "give the machine's public address"),
  /** Port of sshd. Default 22. */
  port: port("SSH port").default(22),
  /** Login; anybody but root needs sudo without a password. Default root. */
  user: field(z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/), "a login name", "give the name you log in with").default(
    "root",
  ),
  /** Path of a private key without a passphrase, from the project's folder. Default: the keys of the SSH agent. */
  privateKeyFile: text("the path of a private key file").optional(),
  /** The machine's ed25519 host key, or the path of its .pub file. Required: nothing is sent to a machine that cannot prove who it is. */
  hostKey: field(
    z.string().refine((value) => isHostKey(value) || /^\S+\.pub$/.test(value)),
    "the machine's public host key, `ssh-ed25519 AAAA...`, or the path of a .pub file that holds it",
    "read it on the machine: cat /etc/ssh/ssh_host_ed25519_key.pub",
  ),
  protect,
});

/** Whether clients reach the machine's SSH, at the gateway's address. Default false. */
const sshFromClients = yesOrNo("leave it out for false").default(false);

/** A gateway's machine, besides: what reaches the machine itself. */
export const ec2Gateway = ec2Host.extend({
  /** Whether the machine drops what nobody asked it to let in, as its security group does outside. Default true. */
  firewall: yesOrNo("leave it out for true").default(true),
  sshFromClients,
});

export const existingGateway = existingHost.extend({
  /** The same. Default false: the machine is somebody's, and what it lets in is theirs to say. */
  firewall: yesOrNo("leave it out for false").default(false),
  /** With `firewall`, the networks that may reach SSH. Default all. */
  sshFrom: sshFrom.optional(),
  sshFromClients,
});

/** The machine of a gateway. */
export const gatewayHost = z.discriminatedUnion("kind", [ec2Gateway, existingGateway], { error: hostText });

/** A further machine with the same gateway: its keys, clients, exits and rules. */
export const replica = z.strictObject(
  {
    /** What it is called in resources and outputs; unique. */
    name: field(
      z.string().regex(/^[a-z][a-z0-9-]{0,15}$/),
      "a replica's name: 1..16 of a-z, 0-9 and -, beginning with a letter",
      "choose another name",
    ),
    /** Its machine. */
    host: gatewayHost,
  },
  map,
);
