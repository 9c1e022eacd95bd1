//! `null` where a value is expected: Go writes it for an empty list, some servers for more.

use serde::{Deserialize, Deserializer};

/// The value, or the default for `null`. One odd object must not cost a whole list.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
