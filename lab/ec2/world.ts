import { addresses } from "../topology";

/** Where the lab's EC2 is; the same in `Pulumi.lab-ec2.yaml`. */
export const region = "eu-central-1";
export const endpoint = `http://${addresses.aws}:5000`;

/** The subnets of the lab's VPC, which is the region's default one. A stack without `subnetId` gets the first. */
export const subnets = {
  default: { id: "subnet-0a1b2c3d4e5f60718", cidr: "10.0.1.0/24", zone: "a", private: false },
  other: { id: "subnet-0a1b2c3d4e5f60719", cidr: "10.0.2.0/24", zone: "b", private: false },
  /** Without a route to the internet. */
  private: { id: "subnet-0a1b2c3d4e5f60720", cidr: "10.0.3.0/24", zone: "a", private: true },
} as const;

/** Images by what they are for. Each of them boots the lab's image of Debian 13, whatever its architecture. */
export const images = {
  arm64: "ami-0d13a640000000001",
  amd64: "ami-0d13a0d6400000001",
  /** A newer one. */
  newer: "ami-0d13a640000000002",
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
];

/** What the lab's EC2 has before anybody calls; see server/world.py. */
export const world = {
  address: addresses.aws,
  port: 5000,
  region,
  vpc: "10.0.0.0/16",
  subnets: Object.values(subnets),
  // The first one is where the lab expects its gateway.
  elasticAddresses: [addresses.elastic, ...addresses.moreElastic],
  images: described,
  parameters: {
    "/aws/service/debian/release/13/latest/arm64": images.arm64,
    "/aws/service/debian/release/13/latest/amd64": images.amd64,
  },
} as const;
