//! Comma-separated values as RFC 4180 has them.

/// One record: fields with a comma, a quote or a line break are quoted, the record ends with CRLF.
#[must_use]
pub fn csv_line(fields: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        push(&mut text, field.as_ref());
    }
    if text.is_empty() {
        // An empty line would be skipped by readers.
        text.push_str("\"\"");
    }
    text + "\r\n"
}

fn push(text: &mut String, field: &str) {
    if field.contains([',', '"', '\r', '\n']) {
        text.push('"');
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(csv_line(&["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(
            csv_line(&["a,b", "say \"x\""]),
            "\"a,b\",\"say \"\"x\"\"\"\r\n"
        );
        assert_eq!(csv_line(&["a\nb"]), "\"a\nb\"\r\n");
        assert_eq!(csv_line(&[""]), "\"\"\r\n");
    }

    /// A reader made of the grammar in RFC 4180.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut records = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let mut fields = Vec::new();
            loop {
                let mut field = String::new();
                if let Some(quoted) = rest.strip_prefix('"') {
                    rest = quoted;
                    loop {
                        let end = rest.find('"').expect("an end of the quotes");
                        field.push_str(&rest[..end]);
                        rest = &rest[end + 1..];
                        match rest.strip_prefix('"') {
                            Some(more) => {
                                field.push('"');
                                rest = more;
                            }
                            None => break,
                        }
                    }
                } else {
                    let end = rest.find([',', '\r']).expect("an end of the field");
                    field.push_str(&rest[..end]);
                    rest = &rest[end..];
                }
                fields.push(field);
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => break,
                }
            }
            rest = rest.strip_prefix("\r\n").expect("CRLF");
            records.push(fields);
        }
        records
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            table in prop::collection::vec(prop::collection::vec(".*", 1..5), 1..5)
        ) {
            let text: String = table.iter().map(|row| csv_line(row)).collect();
            prop_assert_eq!(read(&text), table);
        }
    }
}
