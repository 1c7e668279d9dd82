//! What prefill says of itself to decode stays what it was.

use prefill_conformance::nixl::{self, Words};
use prefill_conformance::started::Release;
use serde_json::Value;

/// Words of NIXL's compatibility hash that differ. An administrator who enforces an image asks for another one, and
/// for no other word.
pub(crate) fn harm(before: &Value, after: &Value, settings: &Value) -> Vec<String> {
    let enforced = settings["units"]["image"] == "enforce";
    let containers = |pod: &Value| pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let mut harm = Vec::new();
    for (at, (before, after)) in containers(before).iter().zip(&containers(after)).enumerate() {
        for release in Release::ALL {
            let path = format!("spec.containers[{at}], {release:?} vLLM");
            // What starts no vLLM now cannot be harmed.
            let Ok(before) = nixl::words(before, release) else { continue };
            match nixl::words(after, release) {
                Err(error) => harm.push(format!("{path}: vLLM is no longer started: {error}")),
                Ok(after) => {
                    let different =
                        different(&before, &after).filter(|(name, ..)| *name != "image" || !enforced);
                    harm.extend(different.map(|(name, before, after)| {
                        format!("{path}: NIXL's `{name}` was {before:?}, is {after:?}")
                    }));
                }
            }
        }
    }
    harm
}

type Difference<'a> = (&'a str, Option<&'a String>, Option<&'a String>);

fn different<'a>(before: &'a Words, after: &'a Words) -> impl Iterator<Item = Difference<'a>> {
    // Where the image alone decided, it is the one word that can be compared.
    let started = before.contains_key("model");
    let new = after.keys().filter(move |name| started && !before.contains_key(*name));
    before
        .keys()
        .chain(new)
        .map(|name| (name.as_str(), before.get(name), after.get(name)))
        .filter(|(_, before, after)| before != after)
}
