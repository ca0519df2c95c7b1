"""Turns OpenMakerSuite's objects, as `manage.py dumpdata` writes them, into entries of the inventory table.

Everything here takes values and returns values, except `importing`, which reads and writes. An object may refer to
others that come later in a dump: references are collected from all objects first, and missing ones are looked up in
the table.
"""
