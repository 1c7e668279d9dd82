//! Image references: which product, which release, which vLLM.

/// Major, minor and patch.
pub(crate) type Version = (u16, u16, u16);

/// The canonical product, whatever registry, tag or digest it has.
const PRODUCT: &str = "llm-d-cuda";

/// Repository, tag and whether a digest pins it.
fn parts(image: &str) -> (&str, Option<&str>, bool) {
    let (named, digest) = image.split_once('@').map_or((image, false), |(named, _)| (named, true));
    let slash = named.rfind('/').map_or(0, |at| at + 1);
    // A colon before the last slash belongs to the registry's port.
    match named[slash..].find(':') {
        Some(colon) => (&named[..slash + colon], Some(&named[slash + colon + 1..]), digest),
        None => (named, None, digest),
    }
}

/// Whether `image` is llm-d-cuda.
pub(crate) fn is_canonical(image: &str) -> bool {
    product(image) == PRODUCT
}

/// Which vLLM the releases of llm-d-cuda hold. Sources: llm-d 04560f5 (v0.4.0, with patches), llm-d's
/// release notes of v0.8.0 (which name v0.7.0's too), of v0.8.1 and of v0.9.0.
const LLM_D_CUDA: [(Version, Version); 5] = [
    ((0, 4, 0), (0, 11, 2)),
    ((0, 7, 0), (0, 19, 1)),
    ((0, 8, 0), (0, 23, 0)),
    ((0, 8, 1), (0, 23, 0)),
    ((0, 9, 0), (0, 26, 0)),
];

/// vLLM's own image, whose tags are vLLM's versions.
const VLLM: &str = "vllm-openai";

/// The repository's last part.
fn product(image: &str) -> &str {
    parts(image).0.rsplit('/').next().unwrap_or_default()
}

/// The version in `v1.2.3-suffix`, and the suffix.
fn version(tag: &str) -> Option<(Version, &str)> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let (numbers, suffix) = tag.split_once('-').unwrap_or((tag, ""));
    let mut numbers = numbers.split('.').map(str::parse);
    let version = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next().unwrap_or(Ok(0)).ok()?);
    numbers.next().is_none().then_some((version, suffix))
}

fn is_preview(suffix: &str) -> bool {
    ["rc", "alpha", "beta", "dev", "pre", "nightly"].iter().any(|word| suffix.starts_with(word))
}

/// Whether the name says that vLLM is inside.
pub(crate) fn may_hold_vllm(image: &str) -> bool {
    const LLM_D: [&str; 5] = ["llm-d", "llm-d-aws", "llm-d-cpu", "llm-d-cuda", "llm-d-dev"];
    let product = product(image).to_ascii_lowercase();
    LLM_D.contains(&product.as_str()) || parts(image).0.to_ascii_lowercase().contains("vllm")
}

/// The llm-d-cuda release of `image`, and whether its tag is a preview of it.
pub(crate) fn release(image: &str) -> Option<(Version, bool)> {
    let (release, suffix) = version(parts(image).1.filter(|_| is_canonical(image))?)?;
    Some((release, is_preview(suffix)))
}

/// The version of vLLM in `image`, where product and tag say it.
pub(crate) fn vllm(image: &str) -> Option<Version> {
    let (version, suffix) = version(parts(image).1?)?;
    match product(image) {
        _ if is_preview(suffix) => None,
        VLLM => Some(version),
        PRODUCT => LLM_D_CUDA.iter().find(|(release, _)| *release == version).map(|(_, vllm)| *vllm),
        _ => None,
    }
}

/// The pull policy that the API server gives to `image` where the pod names none.
pub(crate) fn default_pull_policy(image: &str) -> &'static str {
    let (_, tag, digest) = parts(image);
    if !digest && matches!(tag, None | Some("latest")) { "Always" } else { "IfNotPresent" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_counts_at_any_registry() {
        for image in ["llm-d-cuda", "ghcr.io/llm-d/llm-d-cuda:v1", "host:5000/a/b/llm-d-cuda@sha256:0"] {
            assert!(is_canonical(image), "{image}");
        }
        for image in ["ghcr.io/llm-d/llm-d-cuda-dev:v1", "llm-d-cuda/vllm", "vllm/vllm-openai:llm-d-cuda"] {
            assert!(!is_canonical(image), "{image}");
        }
    }

    #[test]
    fn vllm_by_product_and_tag() {
        for (image, want) in [
            ("vllm/vllm-openai:v0.30.0", Some((0, 30, 0))),
            ("mirror:5000/vllm-openai:v0.11.0-x86_64@sha256:0", Some((0, 11, 0))),
            ("ghcr.io/llm-d/llm-d-cuda:v0.8.1", Some((0, 23, 0))),
            ("ghcr.io/llm-d/llm-d-cuda:v0.8.0-rc1", None),
            ("ghcr.io/llm-d/llm-d-cuda:v0.5.0", None),
            ("vllm/vllm-openai:v0.12.0rc1", None),
            ("vllm/vllm-openai:v0.10.1.1", None),
            ("vllm/vllm-openai:nightly", None),
            ("vllm/vllm-openai", None),
            ("registry.example/team/serving:v0.30.0", None),
            ("vllm/vllm-openai@sha256:0", None),
        ] {
            assert_eq!(vllm(image), want, "{image}");
        }
    }

    /// A shape's file says which vLLM its image holds, and so does the table: they agree.
    #[test]
    fn shapes_and_table_agree() {
        for shape in crate::canonical::SHAPES {
            let release = shape.release.as_ref().map(|release| (release.llm_d, release.vllm));
            assert!(release.is_some_and(|release| LLM_D_CUDA.contains(&release)), "{}", shape.name);
        }
    }

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        assert_eq!(default_pull_policy("host:5000/x"), "Always");
        assert_eq!(default_pull_policy("host:5000/x:v1"), "IfNotPresent");
        assert_eq!(default_pull_policy("x@sha256:0"), "IfNotPresent");
    }
}
