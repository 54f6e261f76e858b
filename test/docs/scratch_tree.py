"""A copy of the tree with changes, built by compiling only what they touch.

The copy is configured by CMake, so that its lists of sources and targets are
those of the changed tree. Its objects come before the archives of the existing
build when a tool is linked, and so take the place of the unchanged ones.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

from support.paths import BUILD, ROOT


def checked(command, cwd):
    """Runs a command (a list, or text for the shell); its standard output."""
    done = subprocess.run(
        command,
        cwd=cwd,
        shell=isinstance(command, str),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class ScratchTree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.build = self.root / "build"
        self.changed = set()
        listed = checked(["git", "ls-files", "-co", "--exclude-standard"], ROOT)
        self.paths = [path for path in listed.split("\n") if (ROOT / path).is_file()]
        for path in self.paths:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, self.root / path)

    def write(self, path, text):
        if path not in self.paths:
            self.paths.append(path)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self.changed.add(path)

    def configure(self):
        checked(["cmake", "--preset", "release"], self.root)

    def sources(self):
        """The sources to compile: changed ones, and those that include what
        TableGen or CMake makes of a changed file."""
        wanted = {path for path in self.changed if path.endswith(".cpp")}
        for path in self.changed:
            if path.startswith("dialects/onnx/") and path.endswith(".td"):
                wanted.add(path[: -len("td")] + "cpp")
            if path.endswith("/Passes.td"):
                wanted.add("tools/ingot-opt.cpp")
            if path.startswith("codegen/targets/"):
                wanted.add("codegen/Targets.cpp")
        return sorted(wanted)

    def make_tables(self):
        """Runs TableGen on the changed .td files."""
        tables = []
        for path in self.changed:
            if path.endswith(".td"):
                stem = path[: -len(".td")]
                if stem.endswith("/Passes"):
                    stem = "passes/Passes"  # which includes those of phases
                tables += [f"{stem}.h.inc", f"{stem}.cpp.inc"]
        known = (self.build / "build.ninja").read_text()
        tables = [table for table in tables if f"{table} " in known]
        checked(["ninja", "-C", self.build, *tables], self.root)

    def _compile_command(self, entry):
        command = entry["command"]
        # The precompiled header of the existing build, whose headers are those
        # of LLVM; and its generated files where there are none of our own.
        command = re.sub(
            rf"{re.escape(str(self.build))}(/\S*cmake_pch\S*)", rf"{BUILD}\1", command
        )
        command = command.replace(
            f"-I{self.build} ", f"-I{self.build} -I{BUILD} ", 1
        )
        return command

    def compile(self):
        """Compiles `sources()`; {source: object}."""
        entries = {
            os.path.relpath(entry["file"], self.root): entry
            for entry in json.loads((self.build / "compile_commands.json").read_text())
        }
        objects = {}
        for source in self.sources():
            assert source in entries, f"CMake does not know {source}"
            objects[source] = shlex.split(entries[source]["command"])
            at = objects[source].index("-o")
            objects[source] = self.build / objects[source][at + 1]
            objects[source].parent.mkdir(parents=True, exist_ok=True)

        def run(source):
            checked(self._compile_command(entries[source]), self.build)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(run, objects))
        return objects

    def link(self, tool, objects):
        """Links build/bin/TOOL of the changed objects and the existing ones."""
        commands = checked(["ninja", "-C", self.build, "-t", "commands", f"bin/{tool}"], ROOT)
        words = shlex.split(commands.strip().split("\n")[-1])
        ours = {os.path.relpath(path, self.build) for path in objects.values()}
        linked = []
        for word in words[2:-2]:  # without ": &&" and "&& :"
            if word.endswith((".o", ".a")) and not word.startswith("/"):
                linked += [] if word in ours else [str(BUILD / word)]
            else:
                linked.append(word)
        first = linked.index("-o")
        (self.build / "bin").mkdir(exist_ok=True)
        extra = [str(self.build / name) for name in sorted(ours) if self._is_part(name, tool)]
        checked(linked[:first] + extra + linked[first:], self.build)

    @staticmethod
    def _is_part(name, tool):
        """Whether an object goes into a tool: not if it is another tool's."""
        return not name.startswith("tools/") or f"/{tool}.dir/" in name
