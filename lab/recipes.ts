/** Debian releases the gateway's machine is tried with. */
export const suites = ["trixie", "bookworm"] as const;
export type Suite = (typeof suites)[number];

/** How an image is made; any change of it makes a new image. */
export interface Recipe {
  readonly name: string;
  readonly suite: Suite;
  /** Further releases apt knows of, held back by pins that `before` writes. */
  readonly alsoSuites: readonly string[];
  readonly packages: readonly string[];
  /** Shell, run in the image's root before anything is installed. */
  readonly before: string;
  /** Shell, run inside the image when its packages are installed. */
  readonly after: string;
}

/** What the machine can install although it has no way to a mirror: in its apt cache, with what they depend on. */
export const offlinePackages = [
  "wireguard-tools",
  "wireguard-go",
  "openvpn",
  "dnsmasq-base",
  "nftables",
  "conntrack",
  "logrotate",
] as const;

/** What somebody else may install there, in the same way: other firewalls. */
export const neighboursPackages = ["iptables", "ufw", "docker.io"] as const;

/** The programs of the lab's other hosts. */
export const toolsRecipe: Recipe = {
  name: "tools",
  suite: "trixie",
  alsoSuites: [],
  packages: [
    ...[
      "nginx-light",
      "openvpn",
      "dnsmasq-base",
      "wireguard-tools",
      "wireguard-go",
      "nftables",
      "iproute2",
      "conntrack",
    ],
    ...[
      "tcpdump",
      "curl",
      "iperf3",
      "dnsperf",
      "openssl",
      "python3-minimal",
      "bind9-dnsutils",
      "iputils-ping",
      "procps",
    ],
    ...["ca-certificates", "netcat-openbsd", "openssh-client"],
    // The EC2 of the lab; its server asks for Flask's CORS, which Debian's package leaves out.
    ...["python3-moto", "python3-flask-cors"],
  ],
  before: "",
  // A host's /run is its own; the image is read-only.
  after: `
ln -sf /run/resolv.conf /etc/resolv.conf
# 90 MB of descriptions of services that nobody asks for; moto's EC2 looks at four others.
cd /usr/lib/python3/dist-packages/botocore/data
mkdir ../kept
mv ec2 ssm autoscaling elb elbv2 kms *.json ../kept
rm -r ../data
mv ../kept ../data
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man`,
};

/**
 * The gateway's machine as EC2's Debian images are: systemd with networkd and resolved, sshd, cloud-init, sudo, Python,
 * unattended-upgrades, the user `admin`, and nothing of what the gateway needs besides.
 */
export function machineRecipe(suite: Suite): Recipe {
  return {
    name: "machine",
    suite,
    alsoSuites: suite === "trixie" ? [] : ["trixie"],
    packages: [
      ...[
        "systemd",
        "systemd-sysv",
        "systemd-resolved",
        "systemd-timesyncd",
        "libnss-resolve",
        "udev",
        "dbus",
        "libpam-systemd",
      ],
      ...["openssh-server", "sudo", "python3", "cloud-init", "iproute2", "procps", "kmod", "iputils-ping", "netbase"],
      ...["ca-certificates", "apt", "unattended-upgrades", "curl", "less", "polkitd"],
    ],
    // Debian 12's wireguard-go (2022) is about six times slower than Debian 13's.
    before:
      suite === "trixie"
        ? ""
        : `mkdir -p etc/apt/preferences.d\ncat > etc/apt/preferences.d/trixie <<'END'\n${pins}END\n`,
    after: machineSetup,
  };
}

const pins = `Package: *
Pin: release n=trixie
Pin-Priority: -10

Package: wireguard-go
Pin: release n=trixie
Pin-Priority: 900
`;

/** What has no sense in a container, or takes time at boot and is not what is tested. */
const masked = [
  ...[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "man-db.timer",
  ],
  ...[
    "getty.target",
    "console-getty.service",
    "dev-hugepages.mount",
    "sys-kernel-debug.mount",
    "systemd-pcrphase.service",
    "unattended-upgrades.service",
  ],
  ...[
    "systemd-timesyncd.service",
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "cloud-init-hotplugd.socket",
  ],
];

const machineSetup = `
systemctl enable systemd-networkd.service systemd-resolved.service ssh.service
systemctl mask ${masked.join(" ")}
systemctl set-default multi-user.target
rm -f /etc/ssh/ssh_host_* /etc/hostname
echo gateway > /etc/hostname

cat > /etc/systemd/network/10-uplink.network <<'END'
# In the place of the lease a VPC's DHCP server gives.
[Match]
Name=ens5
[Network]
Address=10.0.1.191/24
Gateway=10.0.1.1
DNS=10.0.0.2
Domains=eu-central-1.compute.internal
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
END

cat > /etc/cloud/cloud.cfg.d/90-lab.cfg <<'END'
datasource_list: [NoCloud]
network: {config: disabled}
apt: {preserve_sources_list: true}
locale: false
ssh_genkeytypes: [ed25519]
system_info:
  distro: debian
  default_user:
    name: admin
    lock_passwd: true
    gecos: Debian
    groups: [adm, audio, cdrom, dialout, dip, floppy, netdev, plugdev, sudo, video]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
END

# Without a way to the mirror apt has to do with what it has, and at once.
rm -f /etc/apt/apt.conf.d/99mmdebstrap
cat > /etc/apt/apt.conf.d/99-lab <<'END'
Acquire::Languages "none";
Acquire::Retries "0";
END
apt-get clean
apt-get install -y --no-install-recommends --download-only ${offlinePackages.join(" ")}
apt-get install -y --no-install-recommends --download-only ${neighboursPackages.join(" ")}
# For who takes it away.
(cd /var/cache/apt/archives && apt-get download unattended-upgrades)
apt-cache gencaches
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
rm -rf /usr/share/doc /usr/share/man
touch /etc/.updated /var/.updated`;
