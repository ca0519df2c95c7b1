"""The Django app that synchronizes an OpenMakerSuite with a stack.

    INSTALLED_APPS = [..., "makertasks.contrib.django"]

changes     sends saved and deleted objects to the stack
applying    applies tasks' changes to the site's database and media
pulling     receives changes from the stack's queue
views       receives changes that the stack pushes
comparing   compares site and stack, and repairs both
"""
