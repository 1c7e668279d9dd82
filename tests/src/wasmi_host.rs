//! A waPC host on the interpreter wasmi: quick to build, and it counts what the guest executes.
//!
//! Fuel is the number of instructions in wasmi's own currency. It depends on the module, the request and
//! the version of wasmi alone, so a budget in fuel holds on the noisiest machine. For the engine, the time
//! limit and the error texts of the real policy server, use `policy_server_host`.

use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, Extern, Linker, Memory, Store, TrapCode,
    errors::ErrorKind,
};

use crate::host::{HostCall, HostError};

/// A pod takes a few million, one of 3 MB below this; a guest that uses more loops for ever.
const FUEL_LIMIT: u64 = 1_000_000_000;

/// Calls within calls. wasmtime counts bytes of stack instead (512 KiB) and reaches about this depth;
/// wasmi's own limit of 1000 would stop a parser of nested JSON sooner than the real host does.
const RECURSION_LIMIT: usize = 5_000;

/// A policy, compiled and ready to be called.
#[derive(Debug)]
pub struct Module {
    module: wasmi::Module,
    linker: Linker<Guest>,
}

/// What came of a call, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The guest's response.
    pub bytes: Vec<u8>,
    /// The fuel for all that policy-server repeats for each request: a new instance, its start, the call.
    pub fuel: u64,
    /// Pages of 64 KiB that the guest's memory had at the end; memory never shrinks.
    pub memory_pages: u32,
    /// The guest's calls to its host, in order.
    pub log: Vec<HostCall>,
}

/// The host's side of one call.
#[derive(Debug)]
struct Guest {
    operation: Vec<u8>,
    payload: Vec<u8>,
    response: Option<Vec<u8>>,
    error: Option<Vec<u8>>,
    log: Vec<HostCall>,
    answer: Result<Vec<u8>, String>,
}

impl Module {
    /// Compiles a module.
    pub fn new(bytes: &[u8]) -> Result<Self, HostError> {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            // A lazy compilation would be billed to the first call of each function.
            .compilation_mode(CompilationMode::Eager)
            .set_max_recursion_depth(RECURSION_LIMIT);
        let engine = Engine::new(&config);
        let module = wasmi::Module::new(&engine, bytes)?;
        let linker = linker(&engine)?;
        Ok(Self { module, linker })
    }

    /// Calls one operation of the policy, in an instance of its own as policy-server does.
    pub fn call(&self, operation: &str, payload: &[u8]) -> Result<Reply, HostError> {
        let guest = Guest {
            operation: operation.into(),
            payload: payload.into(),
            response: None,
            error: None,
            log: Vec::new(),
            answer: Ok(Vec::new()),
        };
        let mut store = Store::new(self.module.engine(), guest);
        store.set_fuel(FUEL_LIMIT)?;
        let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
        // waPC's names for what runs first, in waPC's order.
        for start in ["_start", "_initialize", "wapc_init"] {
            if instance.get_func(&store, start).is_some() {
                instance.get_typed_func::<(), ()>(&store, start)?.call(&mut store, ())?;
            }
        }
        let guest_call = instance.get_typed_func::<(u32, u32), u32>(&store, "__guest_call")?;
        let success = guest_call.call(&mut store, (length(operation.as_bytes()), length(payload)))?;

        let fuel = FUEL_LIMIT - store.get_fuel()?;
        let memory = instance.get_memory(&store, "memory").map_or(0, |memory| memory.size(&store));
        let guest = store.into_data();
        match guest.response {
            Some(bytes) if success != 0 => Ok(Reply {
                bytes,
                fuel,
                memory_pages: u32::try_from(memory).unwrap_or(u32::MAX),
                log: guest.log,
            }),
            _ => Err(HostError::GuestError(guest.error.map_or_else(
                || "the guest set neither a response nor an error".to_owned(),
                |error| String::from_utf8_lossy(&error).into_owned(),
            ))),
        }
    }

    /// What the module imports, as pairs of module and name.
    pub fn imports(&self) -> Vec<(String, String)> {
        self.module.imports().map(|import| (import.module().to_owned(), import.name().to_owned())).collect()
    }
}

impl From<Error> for HostError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::TrapCode(TrapCode::OutOfFuel) => Self::Interrupted,
            // A trap of the guest, or what the functions below say of a guest that calls them badly.
            ErrorKind::TrapCode(_) | ErrorKind::Message(_) | ErrorKind::Memory(_) => {
                Self::Trap(error.to_string())
            }
            _ => Self::Module(error.to_string()),
        }
    }
}

/// The functions of waPC that a guest may import.
fn linker(engine: &Engine) -> Result<Linker<Guest>, Error> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("wapc", "__guest_request", guest_request)?
        .func_wrap("wapc", "__guest_response", guest_response)?
        .func_wrap("wapc", "__guest_error", guest_error)?
        .func_wrap("wapc", "__host_call", host_call)?
        .func_wrap("wapc", "__host_response_len", |caller: Caller<'_, Guest>| length(answer(caller.data())))?
        .func_wrap("wapc", "__host_response", host_response)?
        .func_wrap("wapc", "__host_error_len", |caller: Caller<'_, Guest>| length(refusal(caller.data())))?
        .func_wrap("wapc", "__host_error", host_error)?
        // Kubewarden's policies log through a host call; this is waPC's own log, which nobody reads.
        .func_wrap("wapc", "__console_log", |_text: u32, _length: u32| ())?;
    Ok(linker)
}

fn guest_request(mut caller: Caller<'_, Guest>, operation: u32, payload: u32) -> Result<(), Error> {
    write(&mut caller, operation, |guest| &guest.operation)?;
    write(&mut caller, payload, |guest| &guest.payload)
}

fn guest_response(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<(), Error> {
    let bytes = read(&caller, pointer, length)?;
    caller.data_mut().response = Some(bytes);
    Ok(())
}

fn guest_error(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<(), Error> {
    let bytes = read(&caller, pointer, length)?;
    caller.data_mut().error = Some(bytes);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "waPC passes four slices")]
fn host_call(
    mut caller: Caller<'_, Guest>,
    binding: u32,
    binding_length: u32,
    namespace: u32,
    namespace_length: u32,
    operation: u32,
    operation_length: u32,
    payload: u32,
    payload_length: u32,
) -> Result<u32, Error> {
    let call = HostCall {
        binding: text(&caller, binding, binding_length)?,
        namespace: text(&caller, namespace, namespace_length)?,
        operation: text(&caller, operation, operation_length)?,
        payload: read(&caller, payload, payload_length)?,
    };
    let guest = caller.data_mut();
    guest.answer = call.answer();
    guest.log.push(call);
    Ok(u32::from(guest.answer.is_ok()))
}

fn host_response(mut caller: Caller<'_, Guest>, pointer: u32) -> Result<(), Error> {
    write(&mut caller, pointer, answer)
}

fn host_error(mut caller: Caller<'_, Guest>, pointer: u32) -> Result<(), Error> {
    write(&mut caller, pointer, refusal)
}

fn answer(guest: &Guest) -> &[u8] {
    guest.answer.as_deref().unwrap_or_default()
}

fn refusal(guest: &Guest) -> &[u8] {
    guest.answer.as_ref().err().map_or(&[], String::as_bytes)
}

fn memory(caller: &Caller<'_, Guest>) -> Result<Memory, Error> {
    caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .ok_or_else(|| Error::new("the guest exports no `memory`"))
}

fn read(caller: &Caller<'_, Guest>, pointer: u32, length: u32) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; length as usize];
    memory(caller)?.read(caller, pointer as usize, &mut bytes)?;
    Ok(bytes)
}

fn text(caller: &Caller<'_, Guest>, pointer: u32, length: u32) -> Result<String, Error> {
    let bytes = read(caller, pointer, length)?;
    String::from_utf8(bytes).map_err(|error| Error::new(error.to_string()))
}

fn write(caller: &mut Caller<'_, Guest>, pointer: u32, bytes: impl Fn(&Guest) -> &[u8]) -> Result<(), Error> {
    let (data, guest) = memory(caller)?.data_and_store_mut(&mut *caller);
    let bytes = bytes(guest);
    let start = pointer as usize;
    data.get_mut(start..start + bytes.len())
        .ok_or_else(|| Error::new("the guest gave a pointer beyond its memory"))?
        .copy_from_slice(bytes);
    Ok(())
}

/// Lengths cross the border as 32 bits; what is longer than that cannot be in the guest's memory either.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
