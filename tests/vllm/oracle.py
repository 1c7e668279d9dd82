"""What real vLLM says: one question per line on stdin, one answer per line on stdout, both JSON.

    {"ask": "serve", "words": ["serve", MODEL, …], "environment": {…}}
        vLLM's parser, its validation and `ServeSubcommand.cmd`, up to where engines or sockets would be made
    {"ask": "group", "pods": [[words of the leader], [words of a worker], …]}
        the same for each pod, then vLLM's handshake: the leader's real loop hears what each engine would send
    {"ask": "ports", "port": N}    the HTTP socket and the handshake's on one port
    {"ask": "certificate", …}      what uvicorn says of a certificate that is not there
    {"ask": "kernels", "type": T}  which kernels vLLM takes where the CPU says that it has AMX
    {"ask": "flags"}               every spelling of a flag that the parser of `vllm serve` knows

An answer is {"ok": true, …} or {"ok": false, "says": vLLM's message}; {"ok": false, "died": exit code} where there is
none. vLLM is imported once, and every question is
answered in a process of its own, forked from that one: nothing that a question leaves behind reaches the next.
"""

import contextlib
import io
import json
import os
import signal
import socket
import sys
import threading
from types import SimpleNamespace
from typing import Any

ANSWERS = os.fdopen(os.dup(1), "w")
# What vLLM prints goes to the log.
os.dup2(2, 1)

import msgspec  # noqa: E402
import zmq  # noqa: E402
from vllm.entrypoints.cli import serve  # noqa: E402
from vllm.entrypoints.launchers.api_server import entry  # noqa: E402
from vllm.entrypoints.launchers.launcher import create_server_socket  # noqa: E402
from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: E402
from vllm.utils.network_utils import zmq_socket_ctx  # noqa: E402
from vllm.v1.engine import utils as engine  # noqa: E402
from vllm.v1.engine.async_llm import AsyncLLM  # noqa: E402

LIMIT_SECONDS = 180


class Reached(BaseException):
    """vLLM came to where engines would start."""

    def __init__(self, config: Any, headless: bool):
        self.config, self.headless = config, headless
        self.names: Any = None


def reached(*args: Any, headless: bool = False, **named: Any) -> None:
    raise Reached(named.get("vllm_config") or args[0], headless)


def stub_the_engines() -> None:
    def no_socket(*_: Any, **__: Any) -> tuple[str, None]:
        return "", None

    serve.setup_server = entry.setup_server = no_socket
    serve.CoreEngineProcManager = lambda **named: reached(headless=True, **named)
    engine.bind_engine_zmq_listeners = reached
    AsyncLLM.from_vllm_config = staticmethod(reached)


def start(words: list[str]) -> Reached:
    """Up to the engines; raises what vLLM raises."""
    parser = FlexibleArgumentParser()
    command = serve.ServeSubcommand()
    command.subparser_init(parser.add_subparsers(dest="subparser"))
    args = parser.parse_args(words)
    command.validate(args)
    try:
        command.cmd(args)
    except Reached as here:
        here.names = args.served_model_name
        return here
    raise RuntimeError("vLLM came back before it started engines")


def balancing(parallel: Any) -> str:
    if parallel.data_parallel_external_lb:
        return "external"
    return "hybrid" if parallel.data_parallel_hybrid_lb else "internal"


def describe(here: Reached) -> dict[str, Any]:
    parallel = here.config.parallel_config
    return {
        "ok": True,
        "headless": here.headless,
        "balancing": balancing(parallel),
        "data": parallel.data_parallel_size,
        "local": parallel.data_parallel_size_local,
        "rank": parallel.data_parallel_rank,
        "tensor": parallel.tensor_parallel_size,
        "address": parallel.data_parallel_master_ip,
        "rpc_port": parallel.data_parallel_rpc_port,
        "expert": parallel.enable_expert_parallel,
        "names": here.names,
        "type": str(here.config.model_config.dtype),
    }


class Waiting(BaseException):
    """The leader's loop had nothing to read, twice."""


def handshake(pods: list[Reached]) -> dict[str, Any]:
    """The leader's loop of 0.32.0 (`wait_for_engine_startup`), with engines that say what theirs would."""
    leader, parallel = pods[0], pods[0].config.parallel_config
    total, local = parallel.data_parallel_size, parallel.data_parallel_size_local
    place = "inproc://handshake"
    engine.STARTUP_POLL_PERIOD_MS = 400
    waited = []

    def debug(text: str, *values: Any, **_: Any) -> None:
        if text.startswith("Waiting for"):
            waited.append(text % values)
            if len(waited) > 4:
                raise Waiting

    engine.logger = SimpleNamespace(debug=debug, info=debug, warning=debug)
    context = zmq.Context.instance()
    router = context.socket(zmq.ROUTER)
    router.bind(place)

    def connect(rank: int) -> zmq.Socket:
        dealer = context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.IDENTITY, rank.to_bytes(2, "little"))
        dealer.connect(place)
        return dealer

    def speak(dealer: zmq.Socket, here: Reached) -> None:
        mine = here.config.parallel_config
        say = {"local": here is leader and not here.headless, "headless": here.headless}
        dealer.send(msgspec.msgpack.encode({"status": "HELLO"} | say))
        dealer.recv()
        ready = {"status": "READY"} | say
        if mine.data_parallel_size > 1:
            ready["parallel_config_hash"] = mine.compute_hash()
        dealer.send(msgspec.msgpack.encode(ready))

    # In this order: of two engines with one rank, ZMQ hears only the first.
    engines = []
    for here in pods:
        mine = here.config.parallel_config
        first = mine.data_parallel_rank
        engines += [(connect(rank), here) for rank in range(first, first + mine.data_parallel_size_local)]
    for one in engines:
        threading.Thread(target=speak, args=one, daemon=True).start()
    launch = SimpleNamespace(engine_manager=None, coordinator=None, watched_frontend_processes=(), addresses={})
    try:
        engine.wait_for_engine_startup(
            router,
            [engine.CoreEngine(index=rank, local=rank < local) for rank in range(total)],
            parallel,
            total > 1 and leader.config.model_config.is_moe,
            leader.config.cache_config,
            launch,
        )
    except Waiting:
        return {"ok": False, "says": f"no end: {waited[-1]}"}
    return {"ok": True, "ranks": total}


def group(question: dict[str, Any]) -> dict[str, Any]:
    return handshake([start(words) for words in question["pods"]])


def ports(question: dict[str, Any]) -> dict[str, Any]:
    """As vLLM does: HTTP is bound before the engines, and listens when they are ready."""
    port = question["port"]
    http = create_server_socket(("", port), reuse_port=False)
    with zmq_socket_ctx(f"tcp://127.0.0.1:{port}", zmq.ROUTER, bind=True) as handshakes:
        http.listen(128)
        handshakes.close()
    return {"ok": True}


def certificate(question: dict[str, Any]) -> dict[str, Any]:
    import uvicorn

    uvicorn.Config(app=None, ssl_certfile=question["path"], ssl_keyfile=question["path"]).load()
    return {"ok": True}


def variable(question: dict[str, Any]) -> dict[str, Any]:
    from vllm import envs

    return {"ok": True, "value": getattr(envs, question["name"])}


def kernels(question: dict[str, Any]) -> dict[str, Any]:
    """Asks what decides, with sizes as of the models here. Nothing is run, so any CPU will do."""
    import torch
    from vllm.model_executor.layers.utils import check_cpu_sgl_kernel
    from vllm.v1.attention.backends.cpu_attn import _get_attn_isa

    torch.cpu._is_amx_tile_supported = lambda: True
    kind = getattr(torch, question["type"])
    products = check_cpu_sgl_kernel(256, 256, kind)
    return {"ok": True, "attention": _get_attn_isa(kind, 128, 32) == "amx", "products": products}


def flags(_: dict[str, Any]) -> dict[str, Any]:
    parser = FlexibleArgumentParser()
    command = serve.ServeSubcommand().subparser_init(parser.add_subparsers(dest="subparser"))
    return {"ok": True, "flags": [flag for action in command._actions for flag in action.option_strings]}


ASKED = {
    "serve": lambda question: describe(start(question["words"])),
    "group": group,
    "ports": ports,
    "certificate": certificate,
    "variable": variable,
    "kernels": kernels,
    "flags": flags,
}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    os.environ.update(question.get("environment", {}))
    usage = io.StringIO()
    try:
        with contextlib.redirect_stderr(usage):
            return ASKED[question["ask"]](question)
    except SystemExit as end:
        lines = [line for line in usage.getvalue().splitlines() if "error:" in line]
        return {"ok": False, "says": lines[-1] if lines else usage.getvalue()[-300:], "exit": end.code}
    except Exception as error:  # noqa: BLE001 - whatever vLLM raises is the answer
        return {"ok": False, "says": f"{type(error).__name__}: {error}", "exit": 1}


def forked(question: dict[str, Any]) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(LIMIT_SECONDS)
        text = json.dumps(answer(question), default=str)
        with os.fdopen(writer, "w") as out:
            out.write(text)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        text = answers.read()
    _, status = os.waitpid(child, 0)
    # Negative where a signal ended it.
    return text or json.dumps({"ok": False, "died": os.waitstatus_to_exitcode(status)})


def main() -> None:
    stub_the_engines()
    for line in sys.stdin:
        ANSWERS.write(forked(json.loads(line)) + "\n")
        ANSWERS.flush()


main()
