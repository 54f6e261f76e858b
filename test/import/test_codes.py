"""Codes of messages: each has a page, and those of the importer a test."""

import re

import pytest

from support.paths import ROOT

TABLE = (ROOT / "lib/Diagnostics/Codes.def").read_text()
PAGE = re.compile(
    r'INGOT_CODE\((\d+), (\w+),\s*((?:"[^"]*"\s*)+),\s*((?:"[^"]*"\s*)+)\)'
)
PAGES = {
    int(number): (name, *("".join(re.findall(r'"([^"]*)"', t)) for t in texts))
    for number, name, *texts in PAGE.findall(TABLE)
}
SOURCES = [
    path
    for folder in ("dialects", "passes", "codegen", "lib", "tools")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".cpp", ".h", ".td")
]
TESTS = "\n".join(
    path.read_text()
    for folder in ("import", "bad-inputs")
    for path in (ROOT / "test" / folder).glob("*.py")
)
# What a test cannot bring about: the system's own failures.
NEEDS_A_FAULT = {"IG1007"}


def test_the_table_was_understood():
    assert len(PAGES) == TABLE.count("\nINGOT_CODE(") > 40
    assert list(PAGES) == sorted(PAGES)
    names = [name for name, _, _ in PAGES.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("number", PAGES)
def test_pages_read_well(number):
    name, title, advice = PAGES[number]
    assert title and not title.endswith(".") and advice.endswith(".")


def test_codes_in_sources_have_pages():
    missing = {}
    for path in SOURCES:
        for number in re.findall(r"\bIG(\d{4})\b", path.read_text()):
            if int(number) not in PAGES:
                missing[number] = str(path.relative_to(ROOT))
    assert not missing


def test_names_of_codes_are_used():
    text = "\n".join(path.read_text() for path in SOURCES)
    for number, (name, _, _) in PAGES.items():
        if number > 7000:  # made of ingot_status
            continue
        used = re.search(rf"\bCode::{name}\b|\b(IG)?{number}\b", text)
        assert used, f"nothing says IG{number} ({name})"


def test_every_code_of_the_importer_is_tested():
    codes = {f"IG{number}" for number in PAGES if number < 2000}
    assert {code for code in codes if code not in TESTS} <= NEEDS_A_FAULT
