//! The quality-of-service class that the kubelet computes for a pod, and the quantities it is computed from.
//!
//! Rules: `pkg/apis/core/helper/qos/qos.go` (`ComputePodQOS`), `apimachinery/pkg/api/resource/quantity.go`
//! (`ParseQuantity`) and `component-helpers/resource/helpers.go` (`AggregateContainerRequests`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::walk::{is_set, items, members, text};

/// A pod's quality-of-service class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// Every container limits cpu and memory, and requests what it limits.
    Guaranteed,
    /// Something is requested or limited.
    Burstable,
    /// Nothing is.
    BestEffort,
}

/// The class of a pod whose defaults are filled in (requests default to limits).
///
/// Only cpu and memory above zero count; init containers count, ephemeral ones cannot have resources.
/// `spec.resources`, where set, is read instead of the containers.
pub fn class(pod: &Value) -> Qos {
    let spec = &pod["spec"];
    let whole_pod = is_set(&spec["resources"]);
    let holders: Vec<&Value> = if whole_pod {
        vec![&spec["resources"]]
    } else {
        let lists = [&spec["containers"], &spec["initContainers"]];
        lists.into_iter().flat_map(items).map(|container| &container["resources"]).collect()
    };

    let mut requests = BTreeMap::new();
    let mut limits = BTreeMap::new();
    let mut guaranteed = true;
    for holder in holders {
        add(&mut requests, &counted(&holder["requests"]));
        let limited = counted(&holder["limits"]);
        // Upstream asks this of pod-level limits only where there are some; without any, the comparison
        // below refuses anyway.
        guaranteed &= limited.len() == 2 || (whole_pod && !is_set(&holder["limits"]));
        add(&mut limits, &limited);
    }
    if requests.is_empty() && limits.is_empty() {
        Qos::BestEffort
    } else if guaranteed && requests == limits {
        Qos::Guaranteed
    } else {
        Qos::Burstable
    }
}

/// The cpu and memory above zero of one resource list.
fn counted(list: &Value) -> BTreeMap<String, i128> {
    let counts = |name: &str| name == "cpu" || name == "memory";
    amounts(list).into_iter().filter(|(name, amount)| counts(name) && *amount > 0).collect()
}

fn amounts(list: &Value) -> BTreeMap<String, i128> {
    members(list).filter_map(|(name, value)| Some((name.clone(), amount(value)?))).collect()
}

fn add(sum: &mut BTreeMap<String, i128>, list: &BTreeMap<String, i128>) {
    for (name, amount) in list {
        *sum.entry(name.clone()).or_default() += amount;
    }
}

fn raise(most: &mut BTreeMap<String, i128>, list: &BTreeMap<String, i128>) {
    for (name, amount) in list {
        let present = most.entry(name.clone()).or_insert(*amount);
        *present = (*present).max(*amount);
    }
}

/// What a pod's containers need of `requests` or `limits` at once: the sum of the regular containers and the
/// sidecars, or what one init container needs beside the sidecars before it, whichever is more.
pub(crate) fn aggregate(pod_spec: &Value, list: &str) -> BTreeMap<String, i128> {
    let mut total = BTreeMap::new();
    for container in items(&pod_spec["containers"]) {
        add(&mut total, &amounts(&container["resources"][list]));
    }
    let mut sidecars = BTreeMap::new();
    let mut starting = BTreeMap::new();
    for container in items(&pod_spec["initContainers"]) {
        let own = amounts(&container["resources"][list]);
        if text(&container["restartPolicy"]) == "Always" {
            add(&mut total, &own);
            add(&mut sidecars, &own);
            raise(&mut starting, &sidecars);
        } else {
            let mut beside = sidecars.clone();
            add(&mut beside, &own);
            raise(&mut starting, &beside);
        }
    }
    raise(&mut total, &starting);
    total
}

/// A quantity as JSON has it: the decoder reads the digits of a number just as it reads a text.
pub(crate) fn amount(value: &Value) -> Option<i128> {
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
pub(crate) fn render(milli: i128, binary: bool) -> String {
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

    fn holding(resources: &Value) -> Value {
        json!({ "resources": resources })
    }

    fn pod(containers: &Value, init_containers: &Value) -> Value {
        json!({ "spec": { "containers": containers, "initContainers": init_containers } })
    }

    #[test]
    fn classes() {
        let full = || {
            holding(
                &json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "2000m", "memory": "1024Mi" } }),
            )
        };
        let cpu = || holding(&json!({ "limits": { "cpu": "2" }, "requests": { "cpu": "2" } }));
        let gpu = || {
            holding(&json!({ "limits": { "nvidia.com/gpu": "8" }, "requests": { "nvidia.com/gpu": "8" } }))
        };
        let less = || {
            holding(
                &json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "1", "memory": "1Gi" } }),
            )
        };
        for (containers, init_containers, class_) in [
            (json!([full()]), json!([]), Qos::Guaranteed),
            (json!([full(), full()]), json!([full()]), Qos::Guaranteed),
            (json!([cpu()]), json!([]), Qos::Burstable),
            (json!([less()]), json!([]), Qos::Burstable),
            (json!([full()]), json!([cpu()]), Qos::Burstable),
            (json!([full()]), json!([{}]), Qos::Burstable),
            (json!([full(), gpu()]), json!([]), Qos::Burstable),
            (json!([gpu()]), json!([]), Qos::BestEffort),
            (json!([holding(&json!({ "requests": { "cpu": "0" } }))]), json!([]), Qos::BestEffort),
            (json!([{}]), json!([{}]), Qos::BestEffort),
            (json!([{}]), json!([less()]), Qos::Burstable),
        ] {
            assert_eq!(class(&pod(&containers, &init_containers)), class_, "{containers}");
        }
    }

    #[test]
    fn pod_level_resources_replace_the_containers() {
        let mut pod = pod(&json!([{}]), &json!([]));
        pod["spec"]["resources"] =
            json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "2", "memory": "1Gi" } });
        assert_eq!(class(&pod), Qos::Guaranteed);
        pod["spec"]["resources"]["requests"]["cpu"] = json!("1");
        assert_eq!(class(&pod), Qos::Burstable);
        pod["spec"]["resources"] = json!({ "requests": { "cpu": "1" } });
        assert_eq!(class(&pod), Qos::Burstable);
    }

    #[test]
    fn init_containers_run_one_by_one_and_sidecars_stay() {
        let cpu = |amount: &str| json!({ "resources": { "requests": { "cpu": amount } } });
        let mut sidecar = cpu("1");
        sidecar["restartPolicy"] = json!("Always");
        let pod = pod(&json!([cpu("2"), cpu("1")]), &json!([cpu("3"), sidecar, cpu("3500m")]));
        // Regular and sidecar: 4; the last init container beside the sidecar: 4.5.
        assert_eq!(aggregate(&pod["spec"], "requests")["cpu"], 4_500);
    }
}
