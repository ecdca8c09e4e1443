import { addresses } from "../topology";

/** Where the lab's EC2 is; the same in `Pulumi.lab-ec2.yaml`. */
export const region = "eu-central-1";
export const endpoint = `http://${addresses.aws}:5000`;

/** The subnet of the lab's VPC that a stack without `subnetId` gets. */
export const subnet = { id: "subnet-0a1b2c3d4e5f60718", cidr: "10.0.1.0/24", zone: "a" } as const;

/** Images by what they are for. Every one of them boots the lab's machine image of the Debian release in its name. */
export const images = {
  arm64: "ami-0d13a640000000001",
  amd64: "ami-0d13a0d6400000001",
  /** A newer one. */
  newer: "ami-0d13a640000000002",
  bookworm: "ami-0d12a640000000001",
} as const;

const image = (id: string, architecture: "arm64" | "x86_64", name: string) => ({
  ami_id: id,
  name,
  description: name,
  architecture,
  owner_id: "136693071363",
  public: true,
  virtualization_type: "hvm",
  hypervisor: "xen",
  root_device_name: "/dev/xvda",
  root_device_type: "ebs",
  image_location: `amazon/${name}`,
});

const described = [
  image(images.arm64, "arm64", "debian-13-arm64-20260801-2001"),
  image(images.amd64, "x86_64", "debian-13-amd64-20260801-2001"),
  image(images.newer, "arm64", "debian-13-arm64-20261101-2093"),
  image(images.bookworm, "arm64", "debian-12-arm64-20260801-2001"),
];

/** The Debian release that an image has. @throws Error for an image the lab does not know */
export function suiteOf(id: string): "trixie" | "bookworm" {
  const name = described.find((one) => one.ami_id === id)?.name;
  if (name === undefined) throw new Error(`the lab has no image ${id}`);
  return name.startsWith("debian-13-") ? "trixie" : "bookworm";
}

/** What the lab's EC2 has before anybody calls; see server/world.py. */
export const world = {
  address: addresses.aws,
  port: 5000,
  region,
  vpc: "10.0.0.0/16",
  subnets: [subnet, { id: "subnet-0a1b2c3d4e5f60719", cidr: "10.0.2.0/24", zone: "b" }],
  // The first one is where the lab expects its gateway.
  elasticAddresses: [addresses.elastic, ...addresses.moreElastic],
  images: described,
  parameters: {
    "/aws/service/debian/release/13/latest/arm64": images.arm64,
    "/aws/service/debian/release/13/latest/amd64": images.amd64,
  },
} as const;
