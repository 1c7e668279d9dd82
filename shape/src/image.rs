//! Image references: which product, which release.

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
    parts(image).0.rsplit('/').next() == Some(PRODUCT)
}

/// The llm-d-cuda release of `image`, and whether its tag is a preview of it.
pub(crate) fn release(image: &str) -> Option<((u16, u16, u16), bool)> {
    let (_, tag, _) = parts(image);
    if !is_canonical(image) {
        return None;
    }
    let tag = tag?.strip_prefix('v').unwrap_or(tag?);
    let (numbers, suffix) = tag.split_once('-').map_or((tag, ""), |(numbers, suffix)| (numbers, suffix));
    let mut numbers = numbers.split('.').map(str::parse);
    let release = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next().unwrap_or(Ok(0)).ok()?);
    let preview = ["rc", "alpha", "beta", "dev", "pre"].iter().any(|word| suffix.starts_with(word));
    numbers.next().is_none().then_some((release, preview))
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
    fn the_port_of_a_registry_is_no_tag() {
        assert_eq!(default_pull_policy("host:5000/x"), "Always");
        assert_eq!(default_pull_policy("host:5000/x:v1"), "IfNotPresent");
        assert_eq!(default_pull_policy("x@sha256:0"), "IfNotPresent");
    }
}
