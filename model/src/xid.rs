//! What NVIDIA's Xid error numbers mean for the card, and what to do.
//!
//! After NVIDIA's Xid catalogue (<https://docs.nvidia.com/deploy/xid-errors/>, 2026), in our own
//! words. Its immediate actions decide the severity: "restart the application" and "ignore" say
//! nothing against the card; a reset that may wait degrades it; one that may not, or a reboot,
//! makes it sick.

use crate::EventSeverity;
use EventSeverity::{Degraded, Notice, Sick};

/// An Xid error, or several with the same meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct Xid {
    /// The numbers, ascending.
    pub numbers: &'static [u32],
    /// What it says about the card.
    pub severity: EventSeverity,
    /// What has happened.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// What the Xid with that number means; `None`: it is not in the table.
#[must_use]
pub fn xid(number: u32) -> Option<&'static Xid> {
    TABLE.iter().find(|xid| xid.numbers.contains(&number))
}

const fn entry(
    numbers: &'static [u32],
    severity: EventSeverity,
    meaning: &'static str,
    advice: &'static str,
) -> Xid {
    Xid {
        numbers,
        severity,
        meaning,
        advice,
    }
}

const RESTART: &str = "restart the program; if it comes back with other programs, test the card";
const RESET: &str = "end all programs on the GPU and reset it (nvidia-smi -r), or reboot";
const RESET_LATER: &str = "reset the GPU when it is convenient (nvidia-smi -r), or reboot";
const NOTHING: &str = "nothing to do";

const TABLE: &[Xid] = &[
    // Programs.
    entry(
        &[8, 43],
        Notice,
        "a program's work on the GPU was stopped after a fault of its own",
        "look at the program; the card is fine",
    ),
    entry(
        &[11, 25, 32],
        Notice,
        "a stream of commands to the GPU was not valid",
        "restart the program; if it comes back, check the PCIe connection",
    ),
    entry(
        &[13, 69],
        Notice,
        "a program ran into an exception on the GPU, such as an index out of bounds",
        "look for it with compute-sanitizer",
    ),
    entry(
        &[31, 137],
        Notice,
        "a program used an illegal memory address",
        "look for it with compute-sanitizer",
    ),
    entry(
        &[
            39, 40, 41, 70, 71, 72, 75, 76, 77, 85, 126, 127, 128, 129, 130, 131, 132, 133, 134,
            135,
        ],
        Notice,
        "a copy engine ran into an error",
        RESTART,
    ),
    entry(
        &[37, 38, 44, 66, 67, 141],
        Notice,
        "the driver met an error in its own work and went on",
        "nothing to do; if it comes back, update the driver",
    ),
    entry(
        &[45],
        Notice,
        "a program was ended and its work on the GPU was cleaned up",
        "look at what ended it; other Xids at the same time say why",
    ),
    entry(
        &[
            60, 68, 82, 83, 84, 86, 88, 89, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 139, 142,
        ],
        Notice,
        "a video, image or flow engine ran into an error",
        RESTART,
    ),
    entry(&[14, 106, 107], Notice, "a test message", NOTHING),
    entry(
        &[80],
        Notice,
        "data on its way to the GPU was damaged",
        RESTART,
    ),
    entry(
        &[93],
        Notice,
        "a limit for writes to the card's own store was reached",
        NOTHING,
    ),
    entry(
        &[121],
        Notice,
        "errors on the connection to the processor were corrected",
        NOTHING,
    ),
    // The card's memory.
    entry(
        &[48],
        Sick,
        "memory was damaged in a way that can not be corrected (double-bit ECC error)",
        RESET,
    ),
    entry(
        &[63],
        Degraded,
        "a faulty place of the memory was marked and is replaced at the next reset",
        RESET_LATER,
    ),
    entry(
        &[64],
        Sick,
        "a faulty place of the memory could not be replaced",
        "reset the GPU; if it comes back, replace the card",
    ),
    entry(
        &[92],
        Degraded,
        "memory errors are corrected unusually often",
        "watch the card; have it tested if programs fail",
    ),
    entry(
        &[94],
        Degraded,
        "a memory error hit one program and was contained",
        "restart that program; reset the GPU when it is convenient",
    ),
    entry(
        &[95],
        Sick,
        "a memory error was not contained and may have hit every program on the GPU",
        RESET,
    ),
    entry(
        &[140],
        Sick,
        "memory errors came too fast to be dealt with",
        "reset the GPU; if it comes back, replace the card",
    ),
    entry(
        &[156],
        Degraded,
        "a faulty part of the GPU was marked and is left out after the next reset",
        RESET_LATER,
    ),
    entry(
        &[157],
        Degraded,
        "a faulty part of the GPU could not be replaced, for want of spare ones",
        "work may go on and fail again; have the card tested",
    ),
    entry(
        &[160, 161],
        Notice,
        "a part of the memory was taken out of use",
        "nothing to do; if it comes back, update the driver",
    ),
    entry(
        &[168],
        Degraded,
        "the memory has errors at a place that the driver needs",
        "switch ECC on, so that it can be replaced, and reboot",
    ),
    entry(
        &[171, 172],
        Sick,
        "details of memory damage that can not be corrected (with Xid 48)",
        RESET,
    ),
    // The card, its firmware, its place.
    entry(
        &[46, 158],
        Sick,
        "the GPU no longer answers the driver",
        RESET,
    ),
    entry(
        &[54],
        Degraded,
        "the power cable is not connected to the card",
        "shut the machine down and check the cables",
    ),
    entry(
        &[61],
        Degraded,
        "the power controller reported an internal warning",
        RESET_LATER,
    ),
    entry(
        &[62, 169],
        Sick,
        "a controller of the GPU has halted",
        RESET,
    ),
    entry(
        &[78],
        Notice,
        "a virtual GPU could not be started",
        "update the driver of the host or of the guest",
    ),
    entry(
        &[79],
        Sick,
        "the GPU has fallen off the bus",
        "reboot the machine; if it comes back, check seating, riser and power supply",
    ),
    entry(
        &[109],
        Degraded,
        "the GPU did not switch from one program to another in time",
        "restart the programs; if it comes back, reset the GPU",
    ),
    entry(
        &[110],
        Sick,
        "the GPU reported a security fault",
        "switch the machine off and on; if it comes back, replace the card",
    ),
    entry(
        &[119, 120],
        Sick,
        "the GPU's own processor (GSP) does not answer or has failed",
        "reset the GPU or switch the machine off and on; if it comes back, change the driver version",
    ),
    entry(&[143], Sick, "the GPU could not be started", RESET),
    entry(
        &[151],
        Degraded,
        "keys of confidential computing could not be renewed",
        "restart the virtual machine",
    ),
    entry(
        &[154],
        Degraded,
        "an earlier error has changed what the GPU needs to recover",
        "the kernel's log names it: dmesg | grep 'Xid.*154'",
    ),
    entry(
        &[159],
        Degraded,
        "the connection to the processor reported an error",
        RESET_LATER,
    ),
    entry(
        &[162, 163, 164, 165],
        Notice,
        "power smoothing was switched on or off, or wears out",
        "nothing to do if power swings do no harm",
    ),
    entry(
        &[167],
        Sick,
        "the PCIe connection did not answer in time",
        "reboot the machine; if it comes back, check seating, riser and power supply",
    ),
    // Links between GPUs.
    entry(
        &[74, 144, 145, 146, 147, 148, 149, 150],
        Degraded,
        "a connection to another GPU or a switch (NVLink) has failed",
        "reset the GPUs at both ends, or reboot; nvidia-smi nvlink -e has details",
    ),
    entry(
        &[136],
        Degraded,
        "a connection to another GPU (NVLink) could not be brought up",
        RESET_LATER,
    ),
    entry(
        &[155],
        Degraded,
        "a connection to another GPU (NVLink) was taken down",
        RESET_LATER,
    ),
    entry(
        &[166, 170],
        Degraded,
        "a connection between GPUs is not set up for confidential computing",
        RESET_LATER,
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_number_has_one_meaning() {
        let mut seen = BTreeSet::new();
        for xid in TABLE {
            assert!(xid.numbers.is_sorted(), "{:?}", xid.numbers);
            for number in xid.numbers {
                assert!(seen.insert(number), "Xid {number} is there twice");
            }
            for text in [xid.meaning, xid.advice] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
            }
        }
    }

    #[test]
    fn severity_follows_the_catalogue() {
        let cases: [(EventSeverity, &[u32]); 3] = [
            (Notice, &[8, 13, 31, 43, 45, 68]),
            (Degraded, &[63, 74, 92, 94, 109, 154]),
            (Sick, &[46, 48, 62, 64, 79, 95, 119, 120, 140, 158]),
        ];
        for (severity, numbers) in cases {
            for &number in numbers {
                let found = xid(number).map(|xid| xid.severity);
                assert_eq!(found, Some(severity), "Xid {number}");
            }
        }
    }

    #[test]
    fn what_the_catalogue_leaves_unused_is_not_invented() {
        for unused in [0, 1, 15, 87, 108, 999] {
            assert_eq!(xid(unused), None, "Xid {unused}");
        }
    }
}
