//! What the products of simulated cards are like: what NVML says of the real ones, roughly.

use gputop_model::{Celsius, MegaHertz};

/// A product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// A part of its name.
    name: &'static str,
    pub(super) sm_max: MegaHertz,
    /// `None`: the memory is the machine's own.
    pub(super) memory_max: Option<MegaHertz>,
    pub(super) pcie_generation: u32,
    pub(super) pcie_width: u32,
    pub(super) nvlinks: u32,
    /// Whether links are wired up, as between the cards of a server.
    pub(super) wired: bool,
    pub(super) ecc: Ecc,
    /// For servers: always ready, cooled by the machine's fans, with a number on the label.
    pub(super) server: bool,
    pub(super) limits: Limits,
}

impl Model {
    /// Whether it counts what its multiprocessors do: cards for servers from Hopper on.
    pub(super) const fn counts_activity(&self) -> bool {
        self.server && self.pcie_generation >= 5
    }
}

/// How memory errors are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ecc {
    /// Not at all.
    None,
    /// Pages are retired.
    Pages,
    /// Rows are remapped.
    Rows,
}

/// Temperatures at which something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_operating: Celsius,
    pub(super) slowdown: Celsius,
    pub(super) shutdown: Celsius,
    /// `None`: the memory has no sensor that can be read.
    pub(super) memory: Option<Celsius>,
}

const fn limits(max_operating: i32, slowdown: i32, shutdown: i32, memory: Option<i32>) -> Limits {
    Limits {
        max_operating: Celsius(max_operating),
        slowdown: Celsius(slowdown),
        shutdown: Celsius(shutdown),
        memory: match memory {
            Some(limit) => Some(Celsius(limit)),
            None => None,
        },
    }
}

/// A card for a desktop: clocks, PCIe generation and width.
const fn desktop(name: &'static str, sm: u32, memory: u32, generation: u32, width: u32) -> Model {
    Model {
        name,
        sm_max: MegaHertz(sm),
        memory_max: Some(MegaHertz(memory)),
        pcie_generation: generation,
        pcie_width: width,
        nvlinks: 0,
        wired: false,
        ecc: Ecc::None,
        server: false,
        limits: limits(93, 95, 98, None),
    }
}

const fn server(name: &'static str, sm: u32, memory: u32, generation: u32, links: u32) -> Model {
    Model {
        nvlinks: links,
        wired: true,
        ecc: Ecc::Rows,
        server: true,
        limits: limits(85, 89, 92, Some(95)),
        ..desktop(name, sm, memory, generation, 16)
    }
}

const MODELS: [Model; 16] = [
    server("H200", 1980, 3201, 5, 18),
    server("H100", 1980, 2619, 5, 18),
    server("A100", 1410, 1593, 4, 12),
    Model {
        limits: limits(85, 92, 95, None),
        ..server("L40S", 2520, 9001, 4, 0)
    },
    Model {
        ecc: Ecc::Pages,
        limits: limits(85, 93, 96, None),
        ..server("T4", 1590, 5001, 3, 0)
    },
    Model {
        ecc: Ecc::Pages,
        limits: limits(90, 95, 98, None),
        ..server("P40", 1531, 3615, 3, 0)
    },
    desktop("RTX 5090", 3090, 14_001, 5, 16),
    desktop("RTX 4090", 3105, 10_501, 4, 16),
    desktop("RTX 4080", 3105, 11_201, 4, 16),
    desktop("RTX 4070", 3105, 10_501, 4, 16),
    desktop("RTX 4060", 3105, 9001, 4, 8),
    Model {
        nvlinks: 4,
        ..desktop("RTX 3090", 2100, 9751, 4, 16)
    },
    desktop("RTX 3080", 2100, 9501, 4, 16),
    desktop("RTX 3060", 2100, 7501, 4, 16),
    UNIFIED,
    Model {
        name: "Thor",
        sm_max: MegaHertz(1575),
        ..UNIFIED
    },
];

/// A part of a machine whose memory is the machine's own.
const UNIFIED: Model = Model {
    memory_max: None,
    limits: limits(95, 100, 105, None),
    ..desktop("GB10", 2418, 0, 5, 4)
};

const OTHER: Model = desktop("", 1980, 7001, 4, 16);

impl Model {
    /// The model of a product; something usual for one that is not known.
    pub(super) fn of(product: &str) -> Self {
        let known = MODELS
            .into_iter()
            .find(|model| product.contains(model.name));
        known.unwrap_or(OTHER)
    }

    /// Whether its memory is the machine's own.
    pub(super) const fn is_unified(&self) -> bool {
        self.memory_max.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_told_apart_by_name() {
        assert_eq!(Model::of("NVIDIA H100 80GB HBM3").nvlinks, 18);
        assert_eq!(Model::of("Tesla P40").ecc, Ecc::Pages);
        assert_eq!(Model::of("NVIDIA GeForce RTX 4060 Ti").pcie_width, 8);
        assert!(Model::of("NVIDIA GB10").is_unified());
        assert_eq!(Model::of("NVIDIA Test"), OTHER);
    }

    #[test]
    fn limits_rise() {
        for model in MODELS {
            let Limits {
                max_operating,
                slowdown,
                shutdown,
                ..
            } = model.limits;
            assert!(max_operating < slowdown && slowdown < shutdown, "{model:?}");
        }
    }
}
