#!/usr/bin/env python3
"""Compares `gputop-node probe` with nvidia-smi, field by field, on a machine with a GPU.

    compare.py GPUTOP_NODE [LABEL]

Steady fields must be equal. What moves is read three times in a row, nvidia-smi before and after
the probe: the probe's value must lie between the two, give or take the tolerance. Exit code 1 when
a field disagrees. Needs Python 3 and nvidia-smi.
"""

import json
import subprocess
import sys

MIB = 1024 * 1024


def at(device, path):
    for part in path.split("."):
        device = (device or {}).get(part)
    return device


def number(text):
    return float(text)


def same(text):
    return text


def switch(text):
    return {"Enabled": True, "Disabled": False}[text]


# nvidia-smi's field, the probe's path, how its text is read, scale of the probe's value, tolerance.
STEADY = [
    ("uuid", "uuid", same, None, 0),
    ("name", "product", same, None, 0),
    ("index", "index", number, 1, 0),
    ("memory.total", "memory_total_bytes", number, 1 / MIB, 1),
    ("memory.reserved", "memory_detail.reserved_bytes", number, 1 / MIB, 1),
    ("power.limit", "power_limit_mw", number, 1e-3, 0.01),
    ("power.default_limit", "power_limits.default_mw", number, 1e-3, 0.01),
    ("power.min_limit", "power_limits.min_mw", number, 1e-3, 0.01),
    ("power.max_limit", "power_limits.max_mw", number, 1e-3, 0.01),
    ("clocks.max.sm", "clocks.sm_max_mhz", number, 1, 0),
    ("clocks.max.memory", "clocks.memory_max_mhz", number, 1, 0),
    ("pcie.link.gen.max", "pcie.generation_max", number, 1, 0),
    ("pcie.link.width.max", "pcie.width_max", number, 1, 0),
    ("pcie.link.width.current", "pcie.width", number, 1, 0),
    ("serial", "identity.serial", same, None, 0),
    ("vbios_version", "identity.vbios", same, None, 0),
    ("pci.bus_id", "identity.pci_bus_id", str.lower, None, 0),
    ("persistence_mode", "settings.persistence", switch, None, 0),
    ("ecc.mode.current", "ecc.enabled", switch, None, 0),
    ("ecc.errors.corrected.volatile.total", "ecc.volatile_corrected", number, 1, 0),
    ("ecc.errors.uncorrected.volatile.total", "ecc.volatile_uncorrected", number, 1, 0),
    ("ecc.errors.corrected.aggregate.total", "ecc.aggregate_corrected", number, 1, 0),
    ("ecc.errors.uncorrected.aggregate.total", "ecc.aggregate_uncorrected", number, 1, 0),
    ("mig.mode.current", "mig_enabled", switch, None, 0),
]

MOVING = [
    ("memory.used", "memory_used_bytes", number, 1 / MIB, 64),
    ("utilization.gpu", "utilization_percent", number, 1, 5),
    ("utilization.memory", "memory_utilization_percent", number, 1, 5),
    ("temperature.gpu", "temperature_celsius", number, 1, 2),
    ("temperature.memory", "thermal.memory_celsius", number, 1, 2),
    ("power.draw.average", "power_mw", number, 1e-3, 60),
    ("clocks.sm", "clocks.sm_mhz", number, 1, 120),
    ("clocks.mem", "clocks.memory_mhz", number, 1, 60),
    ("pstate", "performance_state", lambda text: float(text.lstrip("P")), 1, 0),
    ("pcie.link.gen.current", "pcie.generation", number, 1, 0),
    ("fan.speed", "thermal.fan_percent", number, 1, 5),
]

ABSENT = ("[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", "")


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def smi(fields):
    """One row of texts a GPU; a field that this nvidia-smi does not know is left out."""
    known = []
    for field in fields:
        tried = subprocess.run(
            ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
        )
        if tried.returncode == 0:
            known.append(field)
    rows = run(
        "nvidia-smi",
        "--query-gpu=" + ",".join(known),
        "--format=csv,noheader,nounits",
    ).strip()
    return [
        dict(zip(known, [cell.strip() for cell in row.split(",")]))
        for row in rows.splitlines()
    ]


def main():
    program = sys.argv[1]
    label = sys.argv[2] if len(sys.argv) > 2 else ""
    steady = smi([row[0] for row in STEADY])
    fields = [row[0] for row in MOVING]
    before = smi(fields)
    probe = json.loads(run(program, "probe", "-o", "json", "--pod-resources", "none"))
    after = smi(fields)
    wrong = agreed = both_absent = 0
    print(f"== {label}: {len(probe['devices'])} devices, driver {probe['driver']['version']}")
    cards = [device for device in probe["devices"] if not device["mig_instance"]]
    for index, device in enumerate(cards):
        checks = [(row, steady[index], steady[index]) for row in STEADY]
        checks += [(row, before[index], after[index]) for row in MOVING]
        for (field, path, read, scale, tolerance), low, high in checks:
            if field not in low:
                print(f"   {field}: this nvidia-smi does not know it")
                continue
            ours = at(device, path)
            if low[field] in ABSENT:
                if ours is None:
                    both_absent += 1
                else:
                    print(f"   {field}: nvidia-smi has none, the probe says {ours}")
                continue
            first, second = read(low[field]), read(high[field])
            if ours is None:
                fits = False
            elif scale is None:
                ours = ours.lower() if read is str.lower else ours
                fits = ours == first
            else:
                ours = ours * scale
                fits = min(first, second) - tolerance <= ours <= max(first, second) + tolerance
            agreed += fits
            if not fits:
                wrong += 1
                print(f"!! {field}: nvidia-smi {first} … {second}, the probe {ours}")
    theirs = run(
        "nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"
    )
    theirs = {line.split(",")[0].strip() for line in theirs.strip().splitlines()}
    ours = {str(process["pid"]) for process in probe["processes"]}
    print(f"   processes: nvidia-smi {sorted(theirs)}, the probe {sorted(ours)}")
    print(f"   {agreed} fields agree, {both_absent} absent on both sides, {wrong} disagree")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
