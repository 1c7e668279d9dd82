"""What the launcher asks a vLLM for, beside flags: names in its registries, and what it makes of rank 0."""

import ast

SPECS = "v1/kv_offload"
CONNECTORS = "distributed/kv_transfer/kv_connector/factory.py"
ARGUMENTS = "engine/arg_utils.py"


def registered(folder, method, name):
    """Whether a call of `method` puts `name` into a registry; none where a name cannot be read."""
    seen = set()
    for path in sorted((folder / "vllm" / SPECS).rglob("*.py")) + [folder / "vllm" / CONNECTORS]:
        for call in calls(path, method):
            first = call.args[0] if call.args else None
            seen.add(first.value if isinstance(first, ast.Constant) else None)
    return True if name in seen else None if None in seen else False


def calls(path, method):
    """Calls of a method of this name in a file, if there is one."""
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]


def rank_zero_counts(folder):
    """Whether `--data-parallel-start-rank 0` without `--headless` means hybrid load balancing.

    It is one condition in `EngineArgs`, of the rank and of `headless`: of the rank itself, for which 0 is none, or of
    whether there is one.
    """
    path = folder / "vllm" / ARGUMENTS
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.BoolOp(
                op=ast.And(), values=[condition, ast.UnaryOp(op=ast.Not(), operand=ast.Name(id="headless"))]
            ):
                match condition:
                    case ast.Attribute(attr="data_parallel_start_rank"):
                        found.add(False)
                    case ast.Compare(
                        left=ast.Attribute(attr="data_parallel_start_rank"),
                        ops=[ast.IsNot()],
                        comparators=[ast.Constant(value=None)],
                    ):
                        found.add(True)
    return found.pop() if len(found) == 1 else None


def frontend(folder):
    """Where the flags of the HTTP server are declared: the file that `serve` takes `make_arg_parser` from."""
    path = folder / "vllm/entrypoints/cli/serve.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "make_arg_parser" for alias in node.names):
            return node.module.replace(".", "/") + ".py"
    return None
