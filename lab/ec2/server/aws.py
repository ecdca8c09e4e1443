"""What AWS does and moto does not, or does otherwise; `apply` changes moto."""

from world import REGION, WORLD, backend  # first: it sets what moto reads

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_ip_addresses
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.security_groups import SecurityGroups


def free_address():
    """moto's own are below 127.0.0.0/8, which leads nowhere."""
    taken = {address.public_ip for address in backend().addresses}
    for address in WORLD["elasticAddresses"]:
        if address not in taken:
            return address
    raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")


def associate_address(self, moto=ElasticIPAddresses.associate_address):
    """In a VPC an address moves from one instance to another unless the caller forbids it (AssociateAddress, AllowReassociation)."""
    self.querystring.setdefault("AllowReassociation", ["true"])
    return moto(self)


def run_instances(self, moto=InstanceResponse.run_instances):
    """Without a subnet it is a default one of the default VPC; moto then makes an instance of EC2-Classic."""
    default = backend().get_default_subnet(f"{REGION}a").id
    self.querystring.setdefault("SubnetId", [default])
    return moto(self)


def start(self, moto=Instance.start):
    """A stop and a start may follow each other before anybody looks: the number of starts tells."""
    self.starts = getattr(self, "starts", 1) + 1
    return moto(self)


def delete_security_group(self, moto=SecurityGroups.delete_security_group):
    """A group that an instance is in cannot be deleted."""
    group = self._get_param("GroupId")
    for instance in backend().all_instances():
        if instance._state.name != "terminated" and group in [member.id for member in instance.security_groups]:
            raise EC2ClientError("DependencyViolation", f"resource {group} has a dependent object")
    return moto(self)


def modify_security_group_rules(self):
    """moto has no ModifySecurityGroupRules."""
    group = backend().get_security_group_from_id(self._get_param("GroupId"))
    rules = {rule.id: rule for rule in [*group.ingress_rules, *group.egress_rules]} if group else {}
    for change in self._get_multi_param("SecurityGroupRule"):
        rule = rules.get(change["SecurityGroupRuleId"])
        if rule is None:
            message = f"The security group rule ID '{change['SecurityGroupRuleId']}' does not exist"
            raise EC2ClientError("InvalidSecurityGroupRuleId.NotFound", message)
        wanted = change["SecurityGroupRule"]
        rule.ip_protocol = wanted["IpProtocol"]
        rule.from_port, rule.to_port = (int(wanted[key]) if key in wanted else None for key in ("FromPort", "ToPort"))
        rule.ip_ranges = [{"CidrIp": wanted["CidrIpv4"]}]
    return "<ModifySecurityGroupRulesResponse xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'><return>true</return></ModifySecurityGroupRulesResponse>"


def apply():
    elastic_ip_addresses.random_ip = free_address
    ElasticIPAddresses.associate_address = associate_address
    InstanceResponse.run_instances = run_instances
    Instance.start = start
    SecurityGroups.delete_security_group = delete_security_group
    SecurityGroups.modify_security_group_rules = modify_security_group_rules
