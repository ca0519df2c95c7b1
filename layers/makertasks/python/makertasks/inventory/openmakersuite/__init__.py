"""OpenMakerSuite's objects, as `manage.py dumpdata` writes them, and what they become in the inventory table.

Everything here takes values and returns values; `makertasks.imports` reads and writes. An object may name others that
come later in a dump: references are collected from all objects first, and what they do not hold is looked up.
"""
