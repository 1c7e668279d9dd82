//! A waPC host on the very crates and versions that policy-server 1.36 runs policies with.
//!
//! It shows what a cluster would see: a new instance for each request, the time limit, the texts of errors.
//! It takes minutes to build, hence the feature `policy-server`; `wasmi_host` is the everyday one.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use wapc::WapcHost;
use wasmtime_provider::{
    EpochDeadlines, WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre,
    wasmtime::{self, Engine},
};

use crate::host::{HostCall, HostError};

/// policy-server's clock for the time limit.
const TICK: Duration = Duration::from_secs(1);

/// policy-server's default for `--policy-timeout`, in ticks.
const DEADLINES: EpochDeadlines = EpochDeadlines { wapc_init: 2, wapc_func: 2 };

/// A policy, compiled and ready to be called.
pub struct Module {
    module: wasmtime::Module,
    prepared: WasmtimeEngineProviderPre,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The guest's response.
    pub bytes: Vec<u8>,
    /// The guest's calls to its host, in order.
    pub log: Vec<HostCall>,
}

impl Module {
    /// Compiles a module, and starts the clock for the time limit.
    pub fn new(bytes: &[u8]) -> Result<Self, HostError> {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true).wasm_function_references(true);
        let engine = Engine::new(&config).map_err(not_a_guest)?;
        let module = wasmtime::Module::new(&engine, bytes).map_err(not_a_guest)?;
        let prepared = WasmtimeEngineProviderBuilder::new()
            .engine(engine.clone())
            .module(module.clone())
            .build_pre()
            .map_err(not_a_guest)?;
        start_clock(&engine);
        Ok(Self { module, prepared })
    }

    /// Calls one operation of the policy, in an instance of its own as policy-server does.
    pub fn call(&self, operation: &str, payload: &[u8]) -> Result<Reply, HostError> {
        let provider = self.prepared.rehydrate(Some(DEADLINES)).map_err(not_a_guest)?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&log);
        let callback = move |_instance, binding: &_, namespace: &_, operation: &_, payload: &[u8]| {
            let call = HostCall {
                binding: str::to_owned(binding),
                namespace: str::to_owned(namespace),
                operation: str::to_owned(operation),
                payload: payload.to_owned(),
            };
            let answer = call.answer();
            shared.lock().unwrap_or_else(PoisonError::into_inner).push(call);
            Ok(answer?)
        };
        let bytes = WapcHost::new(Box::new(provider), Some(Box::new(callback)))
            .and_then(|host| host.call(operation, payload))
            .map_err(failed)?;
        let log = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Reply { bytes, log })
    }

    /// What the module imports, as pairs of module and name.
    pub fn imports(&self) -> Vec<(String, String)> {
        self.module.imports().map(|import| (import.module().to_owned(), import.name().to_owned())).collect()
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Module").finish_non_exhaustive()
    }
}

/// Ticks for as long as somebody holds the engine.
fn start_clock(engine: &Engine) {
    let engine = engine.weak();
    thread::spawn(move || {
        loop {
            thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}

fn not_a_guest(error: impl fmt::Display) -> HostError {
    HostError::Module(error.to_string())
}

/// waPC hands on every failure as text; these are the texts of wasmtime-provider 2.19.
fn failed(error: wapc::errors::Error) -> HostError {
    use wapc::errors::Error;
    match error {
        Error::GuestCallFailure(text) | Error::InitFailed(text)
            if text.ends_with("interrupted, execution deadline exceeded") =>
        {
            HostError::Interrupted
        }
        Error::GuestCallFailure(text) if text.starts_with("error while executing at wasm") => {
            HostError::Trap(text)
        }
        Error::GuestCallFailure(text) => HostError::GuestError(text),
        Error::InitFailed(text) => HostError::Trap(text),
        other => HostError::Module(other.to_string()),
    }
}
