//! Kubernetes quantities, read and written as the API server does, in whole thousandths.
//!
//! Rules: `apimachinery/pkg/api/resource/quantity.go` (`ParseQuantity`, `CanonicalizeBytes`).

use serde_json::Value;

/// A quantity as JSON has it: the decoder reads the digits of a number just as it reads a text.
pub fn amount(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => quantity(text),
        Value::Number(number) => quantity(&number.to_string()),
        _ => None,
    }
}

/// A Kubernetes quantity (`500m`, `64Gi`, `1e3`) in thousandths, rounded away from zero as the API server does
/// (`SetDefaults_ResourceList`), or nothing where the text is not one.
pub fn quantity(text: &str) -> Option<i128> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1, unsigned),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (decimals, kibis) = scale(suffix)?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let digits = digits.checked_mul(1024_i128.checked_pow(kibis)?)?;

    let shift = decimals.checked_add(3)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let milli = match (power, shift >= 0) {
        (Some(power), true) => digits.checked_mul(power)?,
        (Some(power), false) => (digits + power - 1) / power,
        (None, _) if digits == 0 => 0,
        (None, true) => return None,
        (None, false) => 1,
    };
    // `ParseQuantity` caps the binary suffixes at the largest int64, and only those.
    let cap = if kibis > 0 { i128::from(i64::MAX) * 1000 } else { i128::MAX };
    Some(sign * milli.min(cap))
}

/// A suffix as a power of ten and a power of 1024.
fn scale(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "" => (0, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 1),
        "Mi" => (0, 2),
        "Gi" => (0, 3),
        "Ti" => (0, 4),
        "Pi" => (0, 5),
        "Ei" => (0, 6),
        exponent => (exponent.strip_prefix(['e', 'E'])?.parse().ok()?, 0),
    })
}

/// A quantity in canonical form (`CanonicalizeBytes`): whole, with the largest suffix that fits.
pub fn render(milli: i128, binary: bool) -> String {
    if milli % 1000 != 0 {
        return format!("{milli}m");
    }
    let binary = binary && milli.abs() >= 1_024_000;
    let (base, suffixes) = if binary {
        (1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
    } else {
        (1000, ["", "k", "M", "G", "T", "P", "E"])
    };
    let mut number = milli / 1000;
    let mut step = 0;
    while number != 0 && number % base == 0 && step + 1 < suffixes.len() {
        number /= base;
        step += 1;
    }
    format!("{number}{}", suffixes[step])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_read_as_the_api_server_reads_them() {
        for (text, milli) in [
            ("0", 0),
            ("2", 2_000),
            ("500m", 500),
            ("0.5", 500),
            (".5", 500),
            ("1.", 1_000),
            ("+1.5", 1_500),
            ("-1.5", -1_500),
            ("64Gi", 64 * 1024 * 1024 * 1024 * 1000),
            ("1.5Ki", 1_536_000),
            ("1k", 1_000_000),
            ("1e3", 1_000_000),
            ("1E-3", 1),
            ("1E", 1_000_000_000_000_000_000_000),
            ("1n", 1),
            ("-1n", -1),
            ("0n", 0),
            ("1100u", 2),
            ("1e-999", 1),
            ("8Ei", i128::from(i64::MAX) * 1000),
        ] {
            assert_eq!(quantity(text), Some(milli), "{text}");
        }
        for text in
            ["", " ", "1 ", "1Kb", "1K", "Gi", ".", "1.2.3", "1e", "0x10", "1e1.5", "--1", "ten", "1e999"]
        {
            assert_eq!(quantity(text), None, "{text:?}");
        }
        assert_eq!(amount(&json!(2)), Some(2_000));
        assert_eq!(amount(&json!(0.25)), Some(250));
        assert_eq!(amount(&json!(true)), None);
    }

    #[test]
    fn a_rendered_quantity_is_canonical() {
        for (milli, binary, text) in [
            (0, true, "0"),
            (500, false, "500m"),
            (2_000, false, "2"),
            (1_000_000, false, "1k"),
            (1_536 * 1024 * 1000, true, "1536Ki"),
            (1024 * 1024 * 1000, true, "1Mi"),
            (1_000_000, true, "1k"),
        ] {
            assert_eq!(render(milli, binary), text);
        }
    }
}
