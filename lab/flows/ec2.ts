import { findMachines } from "../nspawn";
import type { Host } from "../host";
import type { Cloud } from "../ec2/cloud";
import type { GroupRule } from "../ec2/state";
import { images } from "../ec2/world";
import { stateDir } from "../state";
import { addresses } from "../topology";
import { holds, onMachine, orNothing, same, type Flow, type Row, type Scenario } from "./flow";
import { back, counts, undisturbed } from "./lifecycle";

/** How late the Elastic IP moves when the instance is replaced; on AWS it takes about two seconds. */
const LATE = 5000;

const cloudOf = ({ lab }: Scenario): Cloud => {
  if (!lab.cloud) throw new Error("the lab has no EC2");
  return lab.cloud;
};

const operators = [`${addresses.operator}/32`];
const host = (more: Record<string, unknown> = {}) => ({ host: { kind: "ec2", sshFrom: operators, ...more } });

/** How the machine's sshd greets a host. */
async function greeting(from: Host): Promise<string> {
  const ask = `exec 3<>/dev/tcp/${addresses.elastic}/22 && read -r -t 2 line <&3 && echo "\${line%%-Open*}"`;
  const { stdout } = await from.run(["timeout", "2", "bash", "-c", ask]);
  return stdout.trim() || "no answer";
}

const ruleText = ({ protocol, from, to, networks }: GroupRule): string =>
  `${protocol === "-1" ? "all" : `${protocol} ${from === to ? from : `${from}-${to}`}`} ${networks.join(" ")}`;

const parameter = (cloud: Cloud, action: string, name: string): string =>
  String(cloud.calls.filter((call) => call.action === action).at(-1)?.parameters[name] ?? "none");

/** Whether the machine still has the host key that user data brought. */
const HOST_KEY = `
key=$(cut -d " " -f 2 /etc/ssh/ssh_host_ed25519_key.pub)
grep -q "ed25519_public" /var/lib/cloud/instance/user-data.txt || echo "there is none in the user data"
if grep -qF "$key" /var/lib/cloud/instance/user-data.txt; then echo still; else echo "no longer"; fi`;

export const launched: Flow = {
  title: "instance launched",
  async observe(scenario) {
    const cloud = cloudOf(scenario);
    const instance = cloud.instanceAt(addresses.elastic);
    const groups = cloud.state.groups.filter(({ id }) => instance.groups.includes(id));
    const rules = (kind: "ingress" | "egress") =>
      groups.flatMap((group) => group[kind].map(ruleText)).sort().join("; "); // prettier-ignore
    return [
      same("its image, by Debian's parameter", images.arm64, instance.image),
      same(
        "cloud-init's instance",
        instance.id,
        await onMachine(scenario, "cat /var/lib/cloud/data/instance-id").then(trim),
      ),
      same("security group in", `tcp 22 ${operators.join(" ")}; udp 45822 0.0.0.0/0`, rules("ingress")),
      same("security group out", "all 0.0.0.0/0", rules("egress")),
      same("SSH answers the operator", "SSH-2.0", await greeting(scenario.lab.operator)),
      same("SSH answers others", "no answer", await greeting(scenario.lab.hosts["home-3"])),
      same("SSH host key of the user data is its own", "no longer", await onMachine(scenario, HOST_KEY).then(trim)),
      same("metadata service", "required", parameter(cloud, "RunInstances", "MetadataOptions.HttpTokens")),
      same("disk encrypted", "true", parameter(cloud, "RunInstances", "BlockDeviceMapping.1.Ebs.Encrypted")),
    ];
  },
};

const trim = (text: string): string => text.trim();

export const sshFromChanged: Flow = {
  title: "sshFrom changed",
  async observe(scenario) {
    const elsewhere = scenario.lab.hosts["home-3"];
    const more = host({ sshFrom: [...operators, "198.18.0.3/32"] });
    const { result, rows } = await undisturbed(scenario, () => scenario.deployment.up(more));
    await cloudOf(scenario).settled();
    const opened = await greeting(elsewhere);
    const { summary } = await scenario.deployment.up();
    await cloudOf(scenario).settled();
    return [
      same("resources (a rule)", "1 created, 0 updated, 0 deleted", counts(result.summary)),
      same("SSH answers the one let in", "SSH-2.0", opened),
      ...rows,
      same("taken back: resources", "0 created, 0 updated, 1 deleted", counts(summary)),
      same("SSH answers the one shut out", "no answer", await greeting(elsewhere)),
    ];
  },
};

export const replaced: Flow = {
  title: "image changed",
  async observe(scenario) {
    const cloud = cloudOf(scenario);
    const { lab } = scenario;
    const old = cloud.instanceAt(addresses.elastic);
    cloud.delayAddresses(LATE);
    const { said, outputs } = await scenario.deployment.up(host({ amiId: images.newer }));
    cloud.delayAddresses(0);
    await cloud.settled();
    const instance = cloud.instanceAt(addresses.elastic);
    const rows: Row[] = [
      same("address", addresses.elastic, outputs.address ?? "none"),
      holds("instance", "another one", instance.id !== old.id && instance.image === images.newer, instance.id),
      same(
        "the old one, where the address led for a while, is",
        "not entered",
        said.includes("another machine answers there") && !said.includes(old.id) ? "not entered" : "not noticed",
      ),
      same(
        "client profiles",
        "the same",
        profilesOf(outputs) === profilesOf(scenario.deployed.outputs) ? "the same" : "changed",
      ),
      ...(await back(scenario)),
      same(
        "gatewayctl check",
        "the machine is as its release says",
        await orNothing(lab.machine.must(["gatewayctl", "check"])),
      ),
      same("instances left", instance.id, cloud.instances.map(({ id }) => id).join(" ")),
    ];
    return rows;
  },
};

const profilesOf = (outputs: { clientProfiles?: Record<string, string> }): string =>
  JSON.stringify(outputs.clientProfiles);

/** The last: nothing is left to observe after it. */
export const destroyed: Flow = {
  title: "destroy",
  async observe(scenario) {
    const cloud = cloudOf(scenario);
    await scenario.deployment.destroy();
    await cloud.settled();
    const { groups, addresses: kept, keyPairs } = cloud.state;
    const left = [...cloud.instances, ...groups]
      .map(({ id }) => id)
      .concat(
        kept.map(({ address }) => address),
        keyPairs,
      );
    return [
      same("left in EC2", "none", left.join(" ") || "none"),
      same("machines that run", "none", findMachines(stateDir).length === 0 ? "none" : "some"),
    ];
  },
};
