"""What is there before anybody calls: moto's backends, with the regions, images, networks and parameters of `world.json`."""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
WORLD = json.loads((FOLDER / "world.json").read_text())
REGION = WORLD["region"]

# moto reads these when it is imported.
os.environ["MOTO_AMIS_PATH"] = str(FOLDER / "images.json")
(FOLDER / "images.json").write_text(json.dumps(WORLD["images"]))
for check in ("ENABLE_AMI_VALIDATION", "ENABLE_KEYPAIR_VALIDATION", "EC2_ENABLE_INSTANCE_TYPE_VALIDATION"):
    os.environ[f"MOTO_{check}"] = "true"

from moto.core import DEFAULT_ACCOUNT_ID  # noqa: E402
from moto.ec2.models import EC2Backend, ec2_backends, subnets  # noqa: E402
from moto.ssm.models import Parameter, ssm_backends  # noqa: E402


def backend():
    return ec2_backends[DEFAULT_ACCOUNT_ID][REGION]


def furnish():
    EC2Backend.create_default_vpc = lambda self: self.create_vpc(WORLD["vpc"], is_default=True)
    ec2 = backend()
    vpc = ec2.default_vpc.id
    gateway = ec2.create_internet_gateway().id
    ec2.attach_internet_gateway(gateway, vpc)
    main = next(table for table in ec2.route_tables.values() if table.vpc_id == vpc and table.main_association_id)
    ec2.create_route(main.id, "0.0.0.0/0", gateway_id=gateway)
    ec2.subnets.clear()
    for subnet in WORLD["subnets"]:
        subnets.random_subnet_id = lambda subnet=subnet: subnet["id"]
        ec2.create_subnet(vpc, subnet["cidr"], availability_zone=f"{REGION}{subnet['zone']}")
        if subnet["private"]:
            ec2.associate_route_table(ec2.create_route_table(vpc).id, subnet_id=subnet["id"])
    parameters = ssm_backends[DEFAULT_ACCOUNT_ID][REGION]._parameters
    for name, value in WORLD["parameters"].items():
        about = {"description": None, "allowed_pattern": None, "keyid": None, "last_modified_date": 0, "version": 1}
        made = Parameter(DEFAULT_ACCOUNT_ID, name, value, "String", data_type="aws:ec2:image", **about)
        parameters[name].append(made)
