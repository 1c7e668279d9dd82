//! `artifacthub-pkg.yml`, made of `policy/metadata.yml` and `policy/questions-ui.yml`, with the fields
//! of `kwctl scaffold artifacthub`.
//!
//! kwctl stamps the present time. Here the date is the release's own, so that the same sources give the
//! same file, and a test can say that the file at the top of the repository is the right one.

use serde::{Deserialize, Serialize};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, String>;

const HEADER: &str = "\
# For https://artifacthub.io. Generated from policy/metadata.yml and policy/questions-ui.yml:
#   cargo run -p prefill-conformance --bin artifacthub
";
/// Every policy has these two; kwctl does not take them from the metadata either.
const PROVIDER: &str = "kubewarden";
const RECOMMENDED: &str = "https://artifacthub.io/packages/helm/kubewarden/kubewarden-controller";
const DATE: &str = "createdAt:";

/// `policy/metadata.yml`, as far as it is told to Artifact Hub.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Which requests the policy gets.
    pub rules: Vec<Rule>,
    /// Whether the policy changes objects.
    pub mutating: bool,
    #[serde(default)]
    context_aware_resources: Vec<Value>,
    annotations: BTreeMap<String, String>,
}

/// A kind of request.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Groups; the empty one is Kubernetes' core.
    pub api_groups: Vec<String>,
    /// Versions.
    pub api_versions: Vec<String>,
    /// Plural names.
    pub resources: Vec<String>,
    /// What is done with them.
    pub operations: Vec<String>,
}

impl Metadata {
    /// Reads `policy/metadata.yml`.
    pub fn read(text: &str) -> Result<Self> {
        serde_yaml_ng::from_str(text).map_err(|error| format!("policy/metadata.yml: {error}"))
    }

    /// The annotation called `io.NAME`.
    fn annotation(&self, name: &str) -> Result<&str> {
        let value = self.annotations.get(&format!("io.{name}")).map(|value| value.trim());
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("policy/metadata.yml: annotations: no `io.{name}`"))
    }

    /// The policy's version.
    pub fn version(&self) -> Result<&str> {
        self.annotation("kubewarden.policy.version")
    }
}

/// The file; kwctl writes its members in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    version: &'a str,
    name: &'a str,
    display_name: &'a str,
    created_at: &'a str,
    description: &'a str,
    license: &'a str,
    #[serde(rename = "homeURL")]
    home_url: &'a str,
    containers_images: [Image<'a>; 1],
    keywords: Vec<&'a str>,
    links: [Link<'a>; 2],
    install: String,
    maintainers: Vec<Maintainer<'a>>,
    provider: Provider<'a>,
    recommendations: [Recommendation<'a>; 1],
    annotations: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
struct Image<'a> {
    name: &'a str,
    image: &'a str,
}

#[derive(Serialize)]
struct Link<'a> {
    name: &'a str,
    url: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Maintainer<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Provider<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Recommendation<'a> {
    url: &'a str,
}

/// The text of `artifacthub-pkg.yml`.
pub fn generate(metadata: &Metadata, questions: &str, created_at: &str) -> Result<String> {
    let version = metadata.version()?;
    let image = format!("{}:v{version}", metadata.annotation("kubewarden.policy.ociUrl")?);
    let source = metadata.annotation("kubewarden.policy.source")?;
    let package = Package {
        version,
        name: metadata.annotation("kubewarden.policy.title")?,
        display_name: metadata.annotation("artifacthub.displayName")?,
        created_at,
        description: metadata.annotation("kubewarden.policy.description")?,
        license: metadata.annotation("kubewarden.policy.license")?,
        home_url: metadata.annotation("kubewarden.policy.url")?,
        containers_images: [Image { name: "policy", image: &image }],
        keywords: listed(metadata.annotation("artifacthub.keywords")?),
        links: [
            Link { name: "policy", url: format!("{source}/releases/download/v{version}/policy.wasm") },
            Link { name: "source", url: source.to_owned() },
        ],
        install: install(&image),
        maintainers: maintainers(metadata.annotation("kubewarden.policy.author")?)?,
        provider: Provider { name: PROVIDER },
        recommendations: [Recommendation { url: RECOMMENDED }],
        annotations: annotations(metadata, questions)?,
    };
    Ok(format!("{HEADER}{}", yaml(&package)?))
}

fn annotations<'a>(metadata: &Metadata, questions: &str) -> Result<BTreeMap<&'a str, String>> {
    let mut annotations = BTreeMap::from([
        ("kubewarden/mutation", metadata.mutating.to_string()),
        ("kubewarden/questions-ui", questions.to_owned()),
        ("kubewarden/resources", metadata.annotation("artifacthub.resources")?.to_owned()),
        ("kubewarden/rules", yaml(&metadata.rules)?),
    ]);
    if !metadata.context_aware_resources.is_empty() {
        annotations.insert("kubewarden/contextAwareResources", yaml(&metadata.context_aware_resources)?);
    }
    Ok(annotations)
}

fn install(image: &str) -> String {
    format!(
        "\
With [kwctl](https://docs.kubewarden.io/howtos/install-kwctl), fetch the policy:
```console
kwctl pull {image}
```
and write a manifest, to be adapted before it is applied:
```console
kwctl scaffold manifest -t ClusterAdmissionPolicy registry://{image}
```
"
    )
}

fn listed(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

/// `Name <address>`, separated by commas.
fn maintainers(author: &str) -> Result<Vec<Maintainer<'_>>> {
    let maintainer = |text| {
        let (name, email) = str::strip_suffix(text, ">")?.split_once('<')?;
        Some(Maintainer { name: name.trim(), email }).filter(|_| email.contains('@'))
    };
    let expected = || format!("policy/metadata.yml: author: found `{author}`, expected `Name <address>, …`");
    listed(author).into_iter().map(|text| maintainer(text).ok_or_else(expected)).collect()
}

fn yaml(value: &impl Serialize) -> Result<String> {
    serde_yaml_ng::to_string(value).map_err(|error| error.to_string())
}

/// When `version` was made: its date in the changelog, or, before it has one, the date in `present`, the
/// file as it is.
pub fn created_at(version: &str, changelog: &str, present: &str) -> Result<String> {
    let released = changelog.lines().find_map(|line| {
        let (name, date) = line.strip_prefix("## ")?.split_once(" - ")?;
        (name.trim_matches(['[', ']']) == version).then(|| date.trim())
    });
    match (released, member(present, "version:") == Some(version)) {
        (Some(date), _) if is_date(date) => Ok(format!("{date}T00:00:00Z")),
        (Some(date), _) => {
            Err(format!("CHANGELOG.md: {version}: found `{date}`, expected a date as 2026-01-31"))
        }
        (None, true) => member(present, DATE)
            .map(str::to_owned)
            .ok_or_else(|| format!("artifacthub-pkg.yml: no `{DATE}`")),
        (None, false) => Err(format!(
            "CHANGELOG.md: no date for {version}; hint: add the heading `## [{version}] - YYYY-MM-DD`"
        )),
    }
}

/// The rest of the line that begins with `key`.
fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2])
        && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
}

/// The lines by which `present` differs from `wanted`, whatever the two dates; none where it does not.
pub fn differences(wanted: &str, present: &str) -> Vec<String> {
    let lines = |text| -> Vec<&str> {
        str::lines(text).map(|line| if line.starts_with(DATE) { DATE } else { line }).collect()
    };
    let (wanted, present) = (lines(wanted), lines(present));
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = wanted.iter().zip(&present).take_while(same).count();
    let tail = wanted[head..].iter().rev().zip(present[head..].iter().rev()).take_while(same).count();
    let changed = |sign: char, lines: &[&str]| -> Vec<String> {
        let changed = lines.iter().enumerate().take(lines.len() - tail).skip(head);
        changed.map(|(at, line)| format!("{sign}{}: {line}", at + 1)).collect()
    };
    [changed('-', &present), changed('+', &wanted)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"
rules: [{ apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE] }]
mutating: true
annotations:
  io.kubewarden.policy.title: name
  io.kubewarden.policy.version: 1.2.3
  io.kubewarden.policy.description: What it does
  io.kubewarden.policy.author: One <one@example.com>, Two Words <two@example.com>
  io.kubewarden.policy.url: https://example.com/home
  io.kubewarden.policy.ociUrl: registry.example.com/policies/name
  io.kubewarden.policy.source: https://github.com/example/name
  io.kubewarden.policy.license: Apache-2.0
  io.artifacthub.displayName: Name
  io.artifacthub.resources: Pod
  io.artifacthub.keywords: one, two words
"#;

    fn generated(metadata: &str) -> Result<String> {
        generate(&Metadata::read(metadata)?, "questions: []\n", "2026-01-31T00:00:00Z")
    }

    #[test]
    fn every_field_of_kwctl() {
        let text = generated(METADATA).unwrap();
        let got: Value = serde_yaml_ng::from_str(&text).unwrap();
        let keys: Vec<&str> = got.as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
        let fields = "version name displayName createdAt description license homeURL containersImages keywords links \
            install maintainers provider recommendations annotations";
        assert_eq!(keys, fields.split_whitespace().collect::<Vec<_>>());
        let policy = "https://github.com/example/name/releases/download/v1.2.3/policy.wasm";
        assert_eq!(got["links"][0]["url"], policy);
        assert_eq!(got["containersImages"][0]["image"], "registry.example.com/policies/name:v1.2.3");
        assert_eq!(got["keywords"][1], "two words");
        assert_eq!(got["maintainers"][1]["name"], "Two Words");
        assert_eq!(got["maintainers"][1]["email"], "two@example.com");
        assert_eq!(got["annotations"]["kubewarden/mutation"], "true");
        assert_eq!(got["annotations"]["kubewarden/questions-ui"], "questions: []\n");
        let rules = "- apiGroups:\n  - ''\n  apiVersions:\n  - v1\n  resources:\n  - pods\n  operations:\n  - CREATE\n";
        assert_eq!(got["annotations"]["kubewarden/rules"], rules);
        assert!(got["annotations"].get("kubewarden/contextAwareResources").is_none());
    }

    #[test]
    fn resources_that_the_policy_may_read_are_told() {
        let text = generated(&format!("contextAwareResources: [{{ apiVersion: v1, kind: Node }}]{METADATA}"));
        assert!(
            text.unwrap()
                .contains("kubewarden/contextAwareResources: |\n    - apiVersion: v1\n      kind: Node\n")
        );
    }

    #[test]
    fn metadata_that_says_too_little() {
        let license = "  io.kubewarden.policy.license: Apache-2.0\n";
        let missing = "policy/metadata.yml: annotations: no `io.kubewarden.policy.license`";
        assert_eq!(generated(&METADATA.replace(license, "")).unwrap_err(), missing);
        let author = "policy/metadata.yml: author: found `One`, expected `Name <address>, …`";
        assert_eq!(maintainers("One").unwrap_err(), author);
        assert_eq!(generated("rules: 1").unwrap_err().split_once(": ").unwrap().0, "policy/metadata.yml");
    }

    #[test]
    fn the_date_is_the_release_s() {
        let present = "version: 1.2.3\ncreatedAt: 2026-01-30T00:00:00Z\n";
        let date = |changelog, present| created_at("1.2.3", changelog, present);
        let released =
            "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n\n## [1.2.2] - 2025-12-24\n";
        assert_eq!(date(released, present).unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(date("## 1.2.3 - 2026-01-31", "").unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(date("## [Unreleased]\n", present).unwrap(), "2026-01-30T00:00:00Z");
        let soon = "CHANGELOG.md: 1.2.3: found `soon`, expected a date as 2026-01-31";
        assert_eq!(date("## [1.2.3] - soon", present).unwrap_err(), soon);
        let none = "CHANGELOG.md: no date for 1.2.3; hint: add the heading `## [1.2.3] - YYYY-MM-DD`";
        assert_eq!(date("", "version: 1.2.2\ncreatedAt: 2026-01-30T00:00:00Z\n").unwrap_err(), none);
        assert_eq!(date("", "").unwrap_err(), none);
    }

    #[test]
    fn only_the_date_may_differ() {
        let wanted = "a\ncreatedAt: 1\nb\nc\nd\n";
        assert_eq!(differences(wanted, "a\ncreatedAt: 2\nb\nc\nd\n"), [""; 0]);
        assert_eq!(differences(wanted, "a\ncreatedAt: 1\nb\nC\nd\n"), ["-4: C", "+4: c"]);
        assert_eq!(differences(wanted, "a\ncreatedAt: 1\nb\nd\n"), ["+4: c"]);
        assert_eq!(differences(wanted, "a\nb\nc\nd\n"), ["+2: createdAt:"]);
        assert_eq!(differences("a\na\n", "a\n"), ["+2: a"]);
        assert_eq!(differences("a\n", ""), ["+1: a"]);
    }
}
