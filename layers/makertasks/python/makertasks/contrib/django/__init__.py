"""The Django app that keeps an OpenMakerSuite and a stack in step.

    INSTALLED_APPS = [..., "makertasks.contrib.django"]

changes     what the site saves is sent to the stack
applying    what tasks made is brought into the site's database and media
pulling     takes changes from the stack's queue
views       receives changes that the stack pushes
comparing   compares everything once, and repairs both sides
"""
