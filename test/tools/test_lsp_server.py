"""ingot-lsp-server, as an editor speaks to it."""

import json
import subprocess

import pytest

from support import tool

URI = "file:///model.mlir"
GOOD = """func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = onnx.Relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
"""


class Client:
    def __init__(self):
        self.child = subprocess.Popen(
            [tool.tool("ingot-lsp-server")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.number = 0

    def send(self, method, params, **fields):
        message = {"jsonrpc": "2.0", "method": method, "params": params, **fields}
        data = json.dumps(message).encode()
        self.child.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.child.stdin.flush()

    def read(self):
        length = 0
        while line := self.child.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server ended"
        return json.loads(self.child.stdout.read(length))

    def ask(self, method, params):
        self.number += 1
        self.send(method, params, id=self.number)
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                return answer["result"]

    def diagnostics(self, method, params):
        self.send(method, params)
        while True:
            note = self.read()
            if note.get("method") == "textDocument/publishDiagnostics":
                assert note["params"]["uri"] == URI
                return note["params"]["diagnostics"]


@pytest.fixture
def client():
    client = Client()
    yield client
    if client.child.poll() is None:
        client.child.kill()
    client.child.wait()


def test_errors_while_typing(client):
    capabilities = client.ask(
        "initialize", {"processId": None, "rootUri": None, "capabilities": {}}
    )["capabilities"]
    assert capabilities["hoverProvider"] and capabilities["definitionProvider"]
    # A shape rule of ours, and the line it is about.
    bad = GOOD.replace("-> tensor<2x3xf32>\n  return", "-> tensor<2x4xf32>\n  return")
    document = {"uri": URI, "languageId": "mlir", "version": 1, "text": bad}
    found = client.diagnostics("textDocument/didOpen", {"textDocument": document})
    assert any(
        each["severity"] == 1
        and each["range"]["start"]["line"] in (1, 2)
        and "2x4" in each["message"]
        for each in found
    ), found
    fixed = {
        "textDocument": {"uri": URI, "version": 2},
        "contentChanges": [{"text": GOOD}],
    }
    assert client.diagnostics("textDocument/didChange", fixed) == []
    hover = client.ask(
        "textDocument/hover",
        {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 9}},
    )
    assert "onnx.Relu" in json.dumps(hover)
    client.ask("shutdown", None)
    client.send("exit", None)
    assert client.child.wait(20) == 0
