//! Whether vLLM is given a NIXL connector: one answer, for whoever asks.

/// Whether `text` (a word for vLLM, its JSON, or all words in one) names one: `NixlConnector`, `NixlPushConnector`, ….
pub fn names_nixl(text: &str) -> bool {
    text.match_indices("Nixl").any(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.get(..end).is_some_and(|name| name.ends_with("Connector"))
    })
}

#[cfg(test)]
mod tests {
    use super::names_nixl;

    #[test]
    fn a_connector_of_nixl_is_known_in_every_place_and_a_model_is_none() {
        for (text, want) in [
            (r#"--kv-transfer-config={"kv_connector":"NixlConnector"}"#, true),
            ("--kv-transfer-config.kv_connector NixlPushConnector --seed 1", true),
            (r#"{"kv_connector":"MultiConnector","connectors":[{"kv_connector":"NixlConnector"}]}"#, true),
            ("--served-model-name NixlTuned", false),
            (r#"{"kv_connector":"OffloadingConnector"}"#, false),
        ] {
            assert_eq!(names_nixl(text), want, "{text}");
        }
    }
}
