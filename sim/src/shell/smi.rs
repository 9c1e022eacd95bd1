//! `nvidia-smi` in a simulated container: what the node's daemon last saw of its cards.

use gputop_model::{Bytes, Device};

use super::Cards;

/// A card as `nvidia-smi` shows it; what is not known is `N/A`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Card {
    name: String,
    uuid: String,
    utilization: String,
    memory: String,
    power: String,
    temperature: String,
}

impl Card {
    /// A card of which only the id is known.
    pub(crate) fn unknown(uuid: &str) -> Self {
        let unknown = || "N/A".to_owned();
        Self {
            name: unknown(),
            uuid: uuid.to_owned(),
            utilization: unknown(),
            memory: unknown(),
            power: unknown(),
            temperature: unknown(),
        }
    }

    pub(crate) fn uuid(&self) -> &str {
        &self.uuid
    }

    /// From what the daemon reports.
    pub(crate) fn of(device: &Device) -> Self {
        let or_na = |text: Option<String>| text.unwrap_or_else(|| "N/A".to_owned());
        let mib = |bytes: Bytes| format!("{} MiB", bytes.0 / (1 << 20));
        let used = device.memory_used.get().map(mib);
        let total = device.memory_total.get().map(mib);
        Self {
            name: device.product.clone(),
            uuid: device.uuid.to_string(),
            utilization: or_na(
                device
                    .utilization
                    .get()
                    .map(|percent| format!("{} %", percent.0)),
            ),
            memory: format!("{} / {}", or_na(used), or_na(total)),
            power: or_na(
                device
                    .power
                    .get()
                    .map(|power| format!("{} W", power.0 / 1000)),
            ),
            temperature: or_na(
                device
                    .temperature
                    .get()
                    .map(|celsius| format!("{} C", celsius.0)),
            ),
        }
    }
}

/// The table, or with `-L` the list.
pub(super) fn say(cards: &Cards, argument: &str) -> String {
    if cards.list.is_empty() {
        return "No devices were found\n".to_owned();
    }
    if argument == "-L" {
        let line = |(index, card): (usize, &Card)| {
            format!("GPU {index}: {} (UUID: {})\n", card.name, card.uuid)
        };
        return cards.list.iter().enumerate().map(line).collect();
    }
    let mut rows = vec![["GPU", "NAME", "TEMP", "POWER", "MEMORY", "UTIL"].map(str::to_owned)];
    rows.extend(cards.list.iter().enumerate().map(|(index, card)| {
        [
            index.to_string(),
            card.name.clone(),
            card.temperature.clone(),
            card.power.clone(),
            card.memory.clone(),
            card.utilization.clone(),
        ]
    }));
    let mut text = format!(
        "NVIDIA-SMI (simulated)    Driver Version: {}    CUDA Version: {}\n\n",
        cards.driver, cards.cuda
    );
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = rows
                .iter()
                .map(|row| row[column].len())
                .max()
                .unwrap_or_default();
            format!("{cell:<width$}")
        });
        let line = cells.collect::<Vec<_>>().join("   ");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_the_list_is_short() {
        let card = Card {
            name: "Tesla P40".into(),
            uuid: "GPU-1".into(),
            utilization: "97 %".into(),
            memory: "1 MiB / 2 MiB".into(),
            power: "N/A".into(),
            temperature: "61 C".into(),
        };
        let mut cards = Cards {
            driver: "580.1".into(),
            cuda: "13.0".into(),
            list: vec![card],
        };
        assert_eq!(
            say(&cards, ""),
            "NVIDIA-SMI (simulated)    Driver Version: 580.1    CUDA Version: 13.0\n\n\
             GPU   NAME        TEMP   POWER   MEMORY          UTIL\n\
             0     Tesla P40   61 C   N/A     1 MiB / 2 MiB   97 %\n"
        );
        assert_eq!(say(&cards, "-L"), "GPU 0: Tesla P40 (UUID: GPU-1)\n");
        cards.list.clear();
        assert_eq!(say(&cards, ""), "No devices were found\n");
    }
}
