"""The description of the D-Bus interface is whole: every member says what it is and since when, and every argument what it holds."""

import os
import pathlib
import re
import unittest
import xml.etree.ElementTree as ElementTree

import tap

XML = pathlib.Path(os.environ["MUX_QUIC_SOURCE"], "data/org.muxquic.Quic1.xml")


def members():
    """(interface, element, the comment before it) of each interface and member."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.fromstring(XML.read_text(), ElementTree.XMLParser(target=builder))

    def walk(parent, interface):
        comment = None
        for element in parent:
            if element.tag is ElementTree.Comment:
                comment = element.text
                continue
            if element.tag in ("interface", "method", "signal", "property"):
                name = element.get("name") if element.tag == "interface" else interface
                yield name, element, comment
                if element.tag == "interface":
                    yield from walk(element, name)
            comment = None

    yield from walk(root, None)


class Interface(unittest.TestCase):
    def test_every_member_is_described(self):
        seen = set()
        for interface, element, comment in members():
            where = f"{interface}.{element.get('name')}"
            self.assertIsNotNone(comment, f"{where} has no comment")
            name, _, text = comment.strip().partition(":")
            self.assertEqual(name, element.get("name"), f"the comment before {where} is of another")
            self.assertRegex(text, r"@since: \d+\.\d+", where)
            said = re.sub(r"@since: \d+\.\d+", "", text)
            self.assertTrue(element.tag == "method" or said.strip(), f"{where} says nothing")
            for argument in element.findall("arg"):
                self.assertRegex(text, rf"@{argument.get('name')}: \S", f"{where}: what is {argument.get('name')}?")
            self.assertNotIn(where, seen)
            seen.add(where)
        self.assertGreater(len(seen), 40)

    def test_what_it_speaks_of_is_there(self):
        """An @name in a comment is an argument, or a tag."""
        for interface, element, comment in members():
            arguments = {argument.get("name") for argument in element.findall("arg")}
            for word in re.findall(r"@(\w+)", comment):
                self.assertIn(word, arguments | {"since", "short_description"}, f"{interface}.{element.get('name')}")


if __name__ == "__main__":
    tap.main()
