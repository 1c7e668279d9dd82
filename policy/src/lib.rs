//! The waPC skin of the policy: request in, answer out. Recognition and shaping are
//! `prefill-shape`'s; this crate only translates.
//!
//! A panic or an `Err` from here rejects the pod, whatever the webhook's `failurePolicy` says. So
//! whatever comes in gets an answer: what cannot be read is accepted as it is, with a warning.

mod request;
mod response;

use kubewarden_policy_sdk::settings::SettingsValidationResponse;
use kubewarden_policy_sdk::wapc_guest::{CallResult, register_function};
use kubewarden_policy_sdk::{accept_request, protocol_version_guest};
use prefill_core::excerpt::excerpt;
use prefill_shape::settings::Settings;
use serde_json::Value;

/// The standard library's allocator takes half as long again for the many small pieces of a pod.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Called by the host once for each instance.
#[expect(unsafe_code, reason = "the host finds this function by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

/// Answers one admission request.
pub fn validate(payload: &[u8]) -> CallResult {
    let payload_read: request::Payload = match serde_json::from_slice(payload) {
        Ok(read) => read,
        Err(problem) => {
            return response::accept_with_warning(&format!(
                "request not read: {}",
                excerpt(&problem.to_string())
            ));
        }
    };
    let request::Payload { settings, request } = payload_read;
    if !request.creates_a_pod() {
        return accept_request();
    }
    let Some(object) = request.object else { return accept_request() };
    let settings = match Settings::read(&settings) {
        Ok(settings) => settings,
        // The policy server checks settings at its start, so that this is a host without that check.
        Err(problems) => return response::accept_with_warning(&format!("settings: {}", problems.join("; "))),
    };
    let Some(role) = prefill_shape::recognise::role(|name| request::label(&object.value, name), &settings)
    else {
        return accept_request();
    };
    let mut pod = object.value;
    if object.is_outline {
        pod = match request::object(payload) {
            Ok(pod) => pod,
            Err(problem) => {
                return response::accept_with_warning(&format!(
                    "prefill pod not read: {}",
                    excerpt(&problem)
                ));
            }
        };
    }
    let outcome = prefill_shape::shape(&mut pod, role, &settings);
    response::log(&pod, &outcome);
    response::answer(pod, outcome, payload.len())
}

/// Says whether settings are valid; every problem at once.
pub fn validate_settings(payload: &[u8]) -> CallResult {
    let problems = match serde_json::from_slice::<Value>(payload) {
        Err(error) => vec![format!("settings: not JSON: {error}")],
        Ok(value) => Settings::read(&value).err().unwrap_or_default(),
    };
    let message = (!problems.is_empty()).then(|| problems.join("; "));
    Ok(serde_json::to_vec(&SettingsValidationResponse { valid: message.is_none(), message })?)
}
