//! What the launcher says, without the secrets that this process was given: whoever reads a log, a termination
//! message or a plan need not be one who may read the pod.

use prefill_core::excerpt;
use prefill_core::secrets::Values;
use std::sync::LazyLock;

/// The secrets of this process: its variables by their names, and vLLM's words.
static GIVEN: LazyLock<Values> = LazyLock::new(|| {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let variables: Vec<(String, String)> =
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    // Before `--` stand the launcher's own words, of which none is a secret; `--tls-key` is a path.
    let words: Vec<String> = std::env::args_os().skip_while(|word| word != "--").map(text).collect();
    Values::of(
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        words.iter().map(String::as_str),
    )
});

/// `message` without them, and without what shows itself to be one.
pub(crate) fn masked(message: &str) -> String {
    GIVEN.mask(&excerpt::value(message)).into_owned()
}
