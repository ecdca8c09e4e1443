"""What the lab's machines and network must be like."""

import base64

from world import backend


def rules_of(rules):
    return [
        {
            "id": rule.id,
            "protocol": rule.ip_protocol,
            "from": None if rule.from_port is None else int(rule.from_port),
            "to": None if rule.to_port is None else int(rule.to_port),
            "networks": [network["CidrIp"] for network in rule.ip_ranges if "CidrIp" in network],
        }
        for rule in rules
    ]


def state():
    ec2 = backend()
    keys = {name: base64.b64decode(pair.material_public).decode() for name, pair in ec2.keypairs.items()}
    subnets_by_id = {subnet.id: subnet.cidr_block for zone in ec2.subnets.values() for subnet in zone.values()}
    instances = [
        {
            "id": instance.id,
            "state": instance._state.name,
            "starts": getattr(instance, "starts", 1),
            "image": instance.image_id,
            "type": instance.instance_type,
            "address": instance.private_ip,
            "subnet": subnets_by_id[instance.subnet_id],
            "keyName": instance.key_name,
            # The machine keeps the key that it was launched with.
            "publicKey": keep(instance, "public_key", keys.get(instance.key_name)),
            "userData": instance.user_data,
            "groups": [group.id for group in instance.security_groups],
            "name": next((tag["value"] for tag in instance.get_tags() if tag["key"] == "Name"), None),
        }
        for instance in ec2.all_instances()
    ]
    groups = [
        {"id": group.id, "name": group.name, "ingress": rules_of(group.ingress_rules), "egress": rules_of(group.egress_rules)}
        for by_id in ec2.groups.values()
        for group in by_id.values()
        if group.name != "default"
    ]
    addresses = [
        {
            "address": address.public_ip,
            "allocation": address.allocation_id,
            "association": address.association_id,
            "instance": address.instance and address.instance.id,
        }
        for address in ec2.addresses
    ]
    return {"instances": instances, "groups": groups, "addresses": addresses, "keyPairs": sorted(keys)}


def keep(thing, name, value):
    """A property that stays what it was when it was first asked for."""
    if not hasattr(thing, name):
        setattr(thing, name, value)
    return getattr(thing, name)
