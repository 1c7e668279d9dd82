"""Python modules of a folder of packages, as syntax trees: imports are followed, nothing is imported."""

import ast
from functools import cached_property


class Module:
    """One source file."""

    def __init__(self, packages, name, path):
        self.packages, self.name, self.path = packages, name, path
        self.tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        self.package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    @cached_property
    def imports(self):
        """Names that come from elsewhere: name -> (module, name there); the last import of a name wins."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                above = (
                    self.package.split(".")[: len(self.package.split(".")) - (node.level - 1)]
                    if node.level
                    else []
                )
                source = ".".join([*above, *([node.module] if node.module else [])])
                for alias in node.names:
                    found[alias.asname or alias.name] = (source, alias.name)
        return found

    @cached_property
    def definitions(self):
        """Classes and functions at the top, also those under `if` or `try`."""
        found, queue = {}, list(self.tree.body)
        while queue:
            node = queue.pop(0)
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.setdefault(node.name, node)
            elif isinstance(node, (ast.If, ast.Try)):
                queue.extend(ast.iter_child_nodes(node))
        return found

    def look_up(self, name, left=8):
        """The module and the definition that `name` stands for here, or none."""
        if name in self.definitions:
            return self, self.definitions[name]
        if name in self.imports and left:
            source, there = self.imports[name]
            module = self.packages.module(source)
            return module.look_up(there, left - 1) if module else None
        return None


class Packages:
    """A site-packages folder."""

    def __init__(self, folder):
        self.folder, self.known = folder, {}

    def module(self, name):
        """The module, or none where its file is not there."""
        if name not in self.known:
            path = self.folder.joinpath(*name.split("."))
            files = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
            self.known[name] = Module(self, name, files[0]) if files else None
        return self.known[name]


class Class:
    """A class and those it inherits from, nearest first. `whole` is false where one of them was not found."""

    def __init__(self, module, node):
        self.module, self.node = module, node
        self.line, self.whole = [(module, node)], True
        for base in node.bases:
            found = module.look_up(base.id) if isinstance(base, ast.Name) else None
            if found and isinstance(found[1], ast.ClassDef):
                above = Class(*found)
                self.line += above.line
                self.whole &= above.whole
            elif not (isinstance(base, ast.Name) and base.id in ("ABC", "object", "Protocol", "str", "Enum")):
                self.whole = False

    def method(self, name, beyond=None):
        """The nearest method of this name, and where it is; with `beyond`, the next after that class."""
        line = self.line
        if beyond is not None:
            line = line[[node for _, node in line].index(beyond) + 1 :]
        for module, node in line:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return module, node, item
        return None

    def fields(self):
        """Names of its dataclass fields."""
        found = {}
        for _, node in reversed(self.line):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    kind = ast.unparse(item.annotation)
                    if not kind.startswith(("ClassVar", "InitVar", "typing.ClassVar", "dataclasses.InitVar")):
                        found[item.target.id] = kind
        return found
