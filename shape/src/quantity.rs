//! Kubernetes quantities (`500m`, `8Gi`, `1e3`), as far as they must be compared.

/// The quantity in thousandths; `None` where it cannot be read.
pub(crate) fn milli(text: &str) -> Option<i128> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let factor: i128 = match suffix {
        "m" => 1,
        "" => 1000,
        "k" => 1000 * 1000,
        "M" => 1000 * 1000_i128.pow(2),
        "G" => 1000 * 1000_i128.pow(3),
        "T" => 1000 * 1000_i128.pow(4),
        "P" => 1000 * 1000_i128.pow(5),
        "Ki" => 1000 * 1024,
        "Mi" => 1000 * 1024_i128.pow(2),
        "Gi" => 1000 * 1024_i128.pow(3),
        "Ti" => 1000 * 1024_i128.pow(4),
        "Pi" => 1000 * 1024_i128.pow(5),
        _ => {
            let exponent: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            1000_i128.checked_mul(10_i128.checked_pow(exponent)?)?
        }
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i128 = whole.parse().ok()?;
    let mut value = whole.checked_mul(factor)?;
    if !fraction.is_empty() {
        let digits: i128 = fraction.parse().ok()?;
        value += digits.checked_mul(factor)? / 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::milli;

    #[test]
    fn quantities() {
        assert_eq!(milli("128"), Some(128_000));
        assert_eq!(milli("500m"), Some(500));
        assert_eq!(milli("1.5"), Some(1_500));
        assert_eq!(milli("8Gi"), milli("8192Mi"));
        assert_eq!(milli("1e3"), Some(1_000_000));
        assert_eq!(milli("1Gi").map(|gi| gi > 1_000_000_000_000), Some(true));
        for bad in ["", "x", "1Qi", "1e99", "9.9.9"] {
            assert_eq!(milli(bad), None, "{bad}");
        }
    }
}
