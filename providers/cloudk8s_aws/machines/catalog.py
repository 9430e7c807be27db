"""Instance types that clusters are usually made of, with on-demand prices of us-east-1 in dollars an hour. Pure.

Estimates for plans and for choosing between types; what is not here can still be used, at an unknown price.
"""

from __future__ import annotations

from functools import cache

from cloudk8s.plugin import MachineRequest, MachineType

GIB = 1024**3
DEFAULT = "t3.medium"
FAMILIES = {
    # family: (memory in GiB for each vCPU, price of `large`, architecture)
    "m5": (4, 0.096, "amd64"), "m6i": (4, 0.096, "amd64"), "m6a": (4, 0.0864, "amd64"), "m6g": (4, 0.077, "arm64"),
    "m7i": (4, 0.1008, "amd64"), "m7g": (4, 0.0816, "arm64"),
    "c5": (2, 0.085, "amd64"), "c6i": (2, 0.085, "amd64"), "c6a": (2, 0.0765, "amd64"), "c6g": (2, 0.068, "arm64"),
    "c7i": (2, 0.08925, "amd64"), "c7g": (2, 0.0725, "arm64"),
    "r5": (8, 0.126, "amd64"), "r6i": (8, 0.126, "amd64"), "r6g": (8, 0.1008, "arm64"), "r7g": (8, 0.1071, "arm64"),
}  # fmt: skip
SIZES = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "8xlarge": 16, "12xlarge": 24, "16xlarge": 32}
BURSTABLE = {
    "t3": (0.0208, "amd64"), "t3a": (0.0188, "amd64"), "t4g": (0.0168, "arm64"),
}  # fmt: skip
BURSTABLE_SIZES = {
    "small": (2, 2, 1),
    "medium": (2, 4, 2),
    "large": (2, 8, 4),
    "xlarge": (4, 16, 8),
    "2xlarge": (8, 32, 16),
}
PODS = {"small": 11, "medium": 17, "large": 29}
HOURS, IMAGE_GIB = 730, 8
NAT_HOUR, ADDRESS_HOUR, BALANCER_HOUR, GIB_MONTH = 0.045, 0.005, 0.0225, 0.08


@cache
def machine_types() -> tuple[MachineType, ...]:
    """All of them, cheapest first."""
    found = [
        MachineType(
            f"{family}.{size}", 2 * factor, 2 * factor * memory * GIB, architecture,
            price_per_hour=round(price * factor, 5),
        )
        for family, (memory, price, architecture) in FAMILIES.items()
        for size, factor in SIZES.items()
    ]  # fmt: skip
    found += [
        MachineType(f"{family}.{size}", cpus, memory * GIB, architecture, price_per_hour=round(small * factor, 5))
        for family, (small, architecture) in BURSTABLE.items()
        for size, (cpus, memory, factor) in BURSTABLE_SIZES.items()
    ]
    return tuple(sorted(found, key=lambda entry: (entry.price_per_hour, entry.name)))


def price_of(name: str) -> float:
    """Dollars an hour; 0.0 is not known."""
    return next((entry.price_per_hour for entry in machine_types() if entry.name == (name or DEFAULT)), 0.0)


def machine_price(request: MachineRequest) -> float | None:
    """Dollars an hour of a machine with its root volume; None where the type or the spot market has no known price."""
    hourly = price_of(request.type)
    if not hourly or request.spot:
        return None
    volume = (request.root_volume_gib or IMAGE_GIB) * GIB_MONTH / HOURS
    address = ADDRESS_HOUR if request.network.get("public") else 0.0
    return hourly + volume + address


def architecture_of(name: str) -> str:
    """By the family's letters: Graviton families end in g, or g and more."""
    family = (name or DEFAULT).partition(".")[0]
    digits = next((index for index, letter in enumerate(family) if letter.isdigit()), 0)
    return "arm64" if "g" in family[digits + 1 :] or family.startswith("a1") else "amd64"
