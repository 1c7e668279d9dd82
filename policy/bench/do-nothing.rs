//! The do-nothing policy: it reads the request with the types of Kubewarden's SDK and accepts it.
//!
//! It is the floor of `make bench`. What the real policy costs beyond this module is what shaping costs;
//! up to here it is the price of waPC and of parsing the request, which every Rust policy pays.

use kubewarden_policy_sdk::{
    accept_request, protocol_version_guest,
    request::ValidationRequest,
    settings::SettingsValidationResponse,
    wapc_guest::{self, CallResult},
};

/// Registers the three operations that every Kubewarden host calls.
#[expect(unsafe_code, reason = "waPC hosts look up this export by its plain name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    wapc_guest::register_function("validate", validate);
    wapc_guest::register_function("validate_settings", validate_settings);
    wapc_guest::register_function("protocol_version", protocol_version_guest);
}

fn validate(payload: &[u8]) -> CallResult {
    ValidationRequest::<serde_json::Value>::new(payload)?;
    accept_request()
}

fn validate_settings(_settings: &[u8]) -> CallResult {
    Ok(serde_json::to_vec(&SettingsValidationResponse { valid: true, message: None })?)
}
