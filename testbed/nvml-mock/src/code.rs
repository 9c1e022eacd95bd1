//! What a call can answer.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a call can answer instead of success, under NVML's names for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// NVML's number.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$name => $number,)*
                }
            }
        }
    };
}

codes! {
    /// The library was not initialised, or its driver was loaded anew since.
    Uninitialized = 1,
    /// An argument makes no sense.
    InvalidArgument = 2,
    /// The card does not have it.
    NotSupported = 3,
    /// Not for this user.
    NoPermission = 4,
    /// There is no such thing.
    NotFound = 6,
    /// The caller's buffer is too small.
    InsufficientSize = 7,
    /// The kernel module is not loaded.
    DriverNotLoaded = 9,
    /// The driver took too long.
    Timeout = 10,
    /// A part of the driver's libraries is missing.
    LibraryNotFound = 12,
    /// The driver does not know the function.
    FunctionNotFound = 13,
    /// The card has fallen off the bus.
    GpuIsLost = 15,
    /// The card must be reset first.
    ResetRequired = 16,
    /// The operating system or a control group refuses.
    OperatingSystem = 17,
    /// Library and kernel module are of different versions.
    LibRmVersionMismatch = 18,
    /// Nothing has been measured.
    NoData = 21,
    /// A structure is of a version that the library does not know.
    ArgumentVersionMismatch = 25,
    /// Anything else.
    Unknown = 999,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_nvml_spells_them() {
        #[derive(Deserialize)]
        struct One {
            code: Code,
        }
        let read = |name: &str| {
            let one: One = toml::from_str(&format!("code = '{name}'")).unwrap();
            one.code
        };
        assert_eq!(read("GPU_IS_LOST").number(), 15);
        assert_eq!(read("LIB_RM_VERSION_MISMATCH").number(), 18);
        assert_eq!(read("UNKNOWN").number(), 999);
    }
}
