import { describe } from "vitest";
import { fault, holds, withEc2, withExisting, withHost } from "./faultTable";
import { EXAMPLE_SSH_FROM } from "../../gateway/settings/hostChecks";
import { ec2, existing, hostKey } from "./settingsFixtures";

describe("an EC2 host", () => {
  const noMoreThan = "no more than a /8 together";
  const parts = (length: number) =>
    Array.from({ length: 257 }, (_, i) => `${i % 256}.${i < 256 ? 0 : 1}.0.0/${length}`);
  holds({
    "without sshFrom": fault(withHost({ kind: "ec2" }), "host.sshFrom", "list of networks", "Pulumi.yaml"),
    "with an empty sshFrom": fault(withEc2({ sshFrom: [] }), "host.sshFrom", "list of networks", "Pulumi.yaml"),
    "with sshFrom in a text": fault(withEc2({ sshFrom: "198.51.100.23/32" }), "host.sshFrom", "list", "Pulumi.yaml"),
    "with an address without a length": fault(withEc2({ sshFrom: ["198.51.100.7"] }), "host.sshFrom[0]", "CIDR", "/32"),
    "with host bits": fault(withEc2({ sshFrom: ["198.51.100.7/24"] }), "host.sshFrom[0]", "host bits", "/32"),
    "with the example's address": fault(
      withEc2({ sshFrom: ["192.0.2.10/32", EXAMPLE_SSH_FROM] }),
      "host.sshFrom[1]",
      "nobody has it",
      "the public address that you deploy from",
    ),
    "with the whole internet": fault(withEc2({ sshFrom: ["0.0.0.0/0"] }), "host.sshFrom", noMoreThan, "/32"),
    "with the whole internet in halves": fault(
      withEc2({ sshFrom: ["0.0.0.0/1", "128.0.0.0/1"] }),
      "host.sshFrom",
      "sshFromAnywhere: true",
      "/32",
    ),
    "with most of the internet": fault(
      withEc2({ sshFrom: ["64.0.0.0/2", "128.0.0.0/2"] }),
      "host.sshFrom",
      noMoreThan,
      "/32",
    ),
    "with much of the internet in many parts": fault(
      withEc2({ sshFrom: parts(16) }),
      "host.sshFrom",
      noMoreThan,
      "/32",
    ),
    "with sshFromAnywhere in a text": fault(
      withEc2({ sshFromAnywhere: "yes" }),
      "host.sshFromAnywhere",
      "true or false",
      "without quotes: true",
    ),
    "with an image that is none": fault(withEc2({ amiId: "debian-13" }), "host.amiId", "ami-0", "Debian 13"),
    "with a subnet that is none": fault(
      withEc2({ subnetId: "10.0.0.0/24" }),
      "host.subnetId",
      "subnet-0",
      "default VPC",
    ),
    "with an instance type that is none": fault(
      withEc2({ instanceType: "small" }),
      "host.instanceType",
      "t4g.small",
      "aws",
    ),
    "with too small a volume": fault(withEc2({ volumeSize: 7 }), "host.volumeSize", "8..1024", "enough"),
    "with a tag that is a number": fault(withEc2({ tags: { cost: 7 } }), "host.tags.cost", "a text", "quotes"),
    "with tags in a list": fault(withEc2({ tags: ["a"] }), "host.tags", "map of texts", "Pulumi.yaml"),
    "with a key nobody knows": fault(withEc2({ sshForm: [] }), "host.sshForm", "sshFrom,", "host.sshFrom?"),
    "with a key of the other kind": fault(
      withEc2({ user: "root" }),
      "host.user",
      "instanceType",
      "only kind: existing has it",
    ),
  });
});

describe("an existing host", () => {
  holds({
    "without a host key": fault(
      withHost({ ...existing, hostKey: undefined }),
      "host.hostKey",
      "ssh-ed25519",
      "cat /etc/ssh",
    ),
    "with a malformed host key": fault(
      withExisting({ hostKey: "ssh-ed25519 AAAA" }),
      "host.hostKey",
      "AAAA...",
      "cat /etc",
    ),
    "with another algorithm's bytes": fault(
      withExisting({ hostKey: hostKey.replace("C3NzaC1lZDI1NTE5", "B3NzaC1yc2EAAAAB") }),
      "host.hostKey",
      "ssh-ed25519",
      "cat /etc/ssh",
    ),
    "with an RSA host key": fault(
      withExisting({ hostKey: "ssh-rsa AAAAB3Nza" }),
      "host.hostKey",
      "ssh-ed25519",
      "cat /etc",
    ),
    "with a host key that cannot be read": fault(
      withExisting({ hostKey: "no.pub" }),
      "host.hostKey",
      "a file",
      "cat /etc",
    ),
    "with an empty file for a host key": fault(
      withExisting({ hostKey: "empty.pub" }),
      "host.hostKey",
      "a file",
      "cat /etc",
    ),
    "with an RSA key in the file": fault(
      withExisting({ hostKey: "rsa.pub" }),
      "host.hostKey",
      "ssh-ed25519",
      "cat /etc",
    ),
    "with a private key that cannot be read": fault(
      withExisting({ privateKeyFile: "ssh/id" }),
      "host.privateKeyFile",
      "can be read",
      "SSH agent",
    ),
    "with a private key below ~": fault(
      withExisting({ privateKeyFile: "~/.ssh/id" }),
      "host.privateKeyFile",
      "can be read",
      "~ stands for nothing here",
    ),
    "without an address": fault(
      withHost({ kind: "existing", hostKey }),
      "host.address",
      "IPv4 address or a DNS name",
      "public",
    ),
    "with an address that is none": fault(withExisting({ address: "1.2.3.400" }), "host.address", "IPv4", "public"),
    "with an IPv6 address": fault(
      withExisting({ address: "2001:db8::1" }),
      "host.address",
      "IPv4",
      "IPv6 is not supported here",
    ),
    "inside the clients' network": fault(withExisting({ address: "10.4.0.9" }), "host.address", "outside", "deploy"),
    "with a user that is none": fault(withExisting({ user: "Some One" }), "host.user", "login", "log in"),
    "with a port out of range": fault(withExisting({ port: 70000 }), "host.port", "1..65535", "port"),
    "with a key nobody knows": fault(withExisting({ hostkeys: 1 }), "host.hostkeys", "hostKey", "host.hostKey?"),
  });
});

describe("an existing host behind its own firewall", () => {
  holds({
    "with the example's address": fault(
      withExisting({ firewall: true, sshFrom: [EXAMPLE_SSH_FROM] }),
      "host.sshFrom[0]",
      "nobody has it",
      "that you deploy from",
    ),
  });
});

describe("settings", () => {
  holds({
    "without a host": fault({}, "host", '"ec2"', "Pulumi.yaml"),
    "with a host of another kind": fault(withHost({ kind: "gcp" }), "host.kind", '"existing"', "Pulumi.yaml"),
    "with a host without a kind": fault(withHost({ sshFrom: [] }), "host.kind", '"ec2"', "Pulumi.yaml"),
    "with a host in a text": fault(withHost("ec2"), "host", '"existing"', "Pulumi.yaml"),
    "with a key nobody knows": fault({ host: ec2, client: [] }, "client", "clients", "did you mean clients?"),
    "with a key nothing is like": fault(
      { host: ec2, firewall: {} },
      "firewall",
      "localNetworks",
      "did you mean host.firewall?",
    ),
  });
});
